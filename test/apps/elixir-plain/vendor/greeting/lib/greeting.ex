defmodule Greeting do
  def text, do: "hello from elixir\n"
end
