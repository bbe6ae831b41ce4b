require "socket"
require "greeting_kit"

$stdout.sync = true
server = TCPServer.new("0.0.0.0", Integer(ENV.fetch("PORT")))
trap("TERM") { exit }
puts "listening on port #{ENV.fetch("PORT")}"
loop do
  Thread.new(server.accept) do |client|
    while (line = client.gets) && line.strip != "" do end
    body = "#{GreetingKit.greet("ruby-vendored")} on Ruby #{RUBY_VERSION}\n"
    client.write "HTTP/1.1 200 OK\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}"
  ensure
    client.close
  end
end
