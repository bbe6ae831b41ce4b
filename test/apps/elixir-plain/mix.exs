defmodule Hello.MixProject do
  use Mix.Project

  def project do
    [
      app: :hello,
      version: "1.0.0",
      elixir: "~> 1.15",
      deps: [{:greeting, path: "vendor/greeting"}]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Hello, []}]
end
