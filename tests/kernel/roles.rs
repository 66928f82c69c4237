//! The processes inside the namespaces: one that listens on every probed port, and ones that connect.

use super::lab::PORTS;
use std::io::{BufRead, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

/// Plays the role that the environment names.
pub fn play() {
    match std::env::var("KERNEL_ROLE").as_deref() {
        Ok("listen") => listen(),
        Ok("connect") => connect(),
        _ => {}
    }
}

fn listen() {
    for port in PORTS {
        let tcp = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).unwrap();
        let udp = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).unwrap();
        thread::spawn(move || tcp.incoming().for_each(drop));
        thread::spawn(move || {
            let mut buffer = [0; 16];
            while let Ok((count, sender)) = udp.recv_from(&mut buffer) {
                let _ = udp.send_to(&buffer[..count], sender);
            }
        });
    }
    println!("> ready");
    let mut rest = String::new();
    let _ = std::io::stdin().read_to_string(&mut rest);
}

/// One line: `timeout tcp 192.0.2.1:80 udp …`; the answer has a digit for each.
fn connect() {
    println!("> ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let patience = Duration::from_millis(words[0].parse().unwrap());
        let tries: Vec<_> = words[1..]
            .chunks(2)
            .map(|probe| {
                let (is_tcp, address): (bool, SocketAddr) = (probe[0] == "tcp", probe[1].parse().unwrap());
                thread::spawn(move || {
                    if is_tcp { TcpStream::connect_timeout(&address, patience).is_ok() } else { echo(address, patience) }
                })
            })
            .collect();
        let answers: String = tries.into_iter().map(|one| if one.join().unwrap() { '1' } else { '0' }).collect();
        println!("> {answers}");
        std::io::stdout().flush().unwrap();
    }
}

fn echo(address: SocketAddr, patience: Duration) -> bool {
    let any: SocketAddr = if address.is_ipv4() { "0.0.0.0:0".parse().unwrap() } else { "[::]:0".parse().unwrap() };
    let socket = UdpSocket::bind(any).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    let mut buffer = [0; 16];
    socket.connect(address).is_ok() && socket.send(b"probe").is_ok() && socket.recv(&mut buffer).is_ok()
}
