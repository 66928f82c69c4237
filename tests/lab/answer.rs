//! The process in a lab container: says who it is and on which port it was asked.
//!
//! In: `answer NAME tcp/80 udp/53 talk/81 …`. Out: to each connection and each datagram the line `NAME PORT`; where it talks, to each word
//! of a connection over TCP, for as long as the other side goes on.
//!
//! It is linked statically and stands alone in its image, so that it runs under every engine; it needs no crate and reads no file.

use std::io::{Error, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::process::ExitCode;
use std::thread;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let listeners: Vec<_> = words
        .map(|word| {
            let name = name.clone();
            thread::spawn(move || serve(&name, &word))
        })
        .collect();
    for listener in listeners {
        if let Ok(Err(error)) = listener.join() {
            eprintln!("{name}: {error}");
        }
    }
    ExitCode::FAILURE
}

/// Answers on one port, named as the engine names it backwards: `tcp/80`.
///
/// # Errors
///
/// The port cannot be bound, or its socket broke.
fn serve(name: &str, word: &str) -> Result<(), Error> {
    let (proto, port) = word.split_once('/').ok_or_else(|| Error::other("want PROTO/PORT"))?;
    let port: u16 = port.parse().map_err(Error::other)?;
    let answer = format!("{name} {port}\n");
    if proto == "udp" {
        // A network without IPv6 may refuse the wildcard of both families.
        let socket = UdpSocket::bind(("::", port)).or_else(|_| UdpSocket::bind(("0.0.0.0", port)))?;
        loop {
            let (_, asker) = socket.recv_from(&mut [0; 64])?;
            socket.send_to(answer.as_bytes(), asker).ok();
        }
    }
    let listener = TcpListener::bind(("::", port)).or_else(|_| TcpListener::bind(("0.0.0.0", port)))?;
    loop {
        let (mut asker, _) = listener.accept()?;
        if proto == "talk" {
            let answer = answer.clone();
            thread::spawn(move || {
                while asker.read(&mut [0; 64]).is_ok_and(|length| length > 0) && asker.write_all(answer.as_bytes()).is_ok() {}
            });
        } else {
            asker.write_all(answer.as_bytes()).ok();
        }
    }
}
