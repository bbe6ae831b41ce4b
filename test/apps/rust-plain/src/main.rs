use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

fn main() {
    let port = std::env::var("PORT").expect("PORT is set");
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).expect("the port is free");
    println!("listening on port {port}");
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while matches!(lines.next(), Some(Ok(line)) if !line.is_empty()) {}
            let body = "Hello from rust-plain\n";
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        });
    }
}
