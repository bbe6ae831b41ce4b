defmodule Hello do
  @moduledoc "A web server of what Erlang brings along, so that it needs no registry."
  use Application

  def start(_type, _args) do
    port = String.to_integer(System.get_env("PORT", "5000"))
    {:ok, listener} = :gen_tcp.listen(port, [:binary, packet: :http_bin, active: false, reuseaddr: true])
    Supervisor.start_link([{Task, fn -> accept(listener) end}], strategy: :one_for_one)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    Task.start(fn -> answer(socket) end)
    accept(listener)
  end

  defp answer(socket) do
    with :ok <- read_head(socket) do
      body = Greeting.text()
      :gen_tcp.send(socket, "HTTP/1.1 200 OK\r\ncontent-length: #{byte_size(body)}\r\nconnection: close\r\n\r\n#{body}")
    end

    :gen_tcp.close(socket)
  end

  defp read_head(socket) do
    case :gen_tcp.recv(socket, 0, 5_000) do
      {:ok, :http_eoh} -> :ok
      {:ok, _} -> read_head(socket)
      error -> error
    end
  end
end
