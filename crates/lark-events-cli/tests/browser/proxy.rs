//! A proxy between a browser and a console, which a test cuts.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// At another loopback address with the same port: the console rejects other ports.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    links: Arc<Mutex<Links>>,
}

#[derive(Default)]
struct Links {
    is_cut: bool,
    open: Vec<TcpStream>,
}

impl Proxy {
    pub(crate) fn to(console: &str) -> Self {
        let console: SocketAddr = console.parse().unwrap();
        let listener = TcpListener::bind(("127.0.0.2", console.port())).unwrap();
        let address = listener.local_addr().unwrap();
        let links = Arc::new(Mutex::new(Links::default()));
        let shared = Arc::clone(&links);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // The console may be gone meanwhile.
                let _ = connect(&shared, client, console);
            }
        });
        Self { address, links }
    }

    /// Closes all connections, and each new one at once.
    pub(crate) fn cut(&self) {
        let mut links = locked(&self.links);
        links.is_cut = true;
        for stream in links.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn restore(&self) {
        locked(&self.links).is_cut = false;
    }
}

fn connect(links: &Mutex<Links>, client: TcpStream, console: SocketAddr) -> io::Result<()> {
    let mut links = locked(links);
    if links.is_cut {
        return Ok(());
    }
    let server = TcpStream::connect(console)?;
    links
        .open
        .extend([client.try_clone()?, server.try_clone()?]);
    for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        thread::spawn(move || {
            let (mut from, mut to) = (from, to);
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}

fn locked(links: &Mutex<Links>) -> MutexGuard<'_, Links> {
    links.lock().unwrap_or_else(PoisonError::into_inner)
}
