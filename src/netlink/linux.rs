//! The socket.

use super::Subsystem;
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How long the kernel may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The kernel fills at most 32 KiB at once (`net/netlink/af_netlink.c`, `netlink_recvmsg`).
const LONGEST: usize = 1 << 16;

/// The kernel's address, and ours before it chooses one.
const KERNEL: SocketAddrNetlink = SocketAddrNetlink::new(0, 0);

#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl Socket {
    pub(super) fn open(subsystem: Subsystem) -> io::Result<Self> {
        let protocol = match subsystem {
            Subsystem::Netfilter => netlink::NETFILTER,
            Subsystem::Sockets => netlink::SOCK_DIAG,
        };
        let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(protocol));
        let socket = socket.map_err(|error| match error {
            Errno::PROTONOSUPPORT => io::Error::new(io::ErrorKind::Unsupported, error),
            error => error.into(),
        })?;
        rustix::net::bind(&socket, &KERNEL)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self(socket))
    }

    /// The same in another network namespace: a socket stays where it was made.
    pub(super) fn open_in(subsystem: Subsystem, namespace: &Path) -> io::Result<Self> {
        let file = File::open(namespace)?;
        // A thread of its own, which ends there: who enters a namespace does not come back.
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
                Self::open(subsystem)
            });
            inside.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
        })
    }

    pub(super) fn send(&self, message: &[u8]) -> io::Result<()> {
        rustix::net::sendto(&self.0, message, SendFlags::empty(), &KERNEL)?;
        Ok(())
    }

    pub(super) fn receive(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; LONGEST];
        let (_, length) = rustix::io::retry_on_intr(|| rustix::net::recv(&self.0, bytes.as_mut_slice(), RecvFlags::TRUNC))?;
        if length > bytes.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}
