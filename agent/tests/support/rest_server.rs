//! A server for restic repositories that speaks its REST protocol, version 1 of the lists,
//! and refuses deletion when it is told to, as rest-server does with `--append-only`.
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

type Files = BTreeMap<String, Vec<u8>>;

/// What it stores, and whether it only appends.
#[derive(Default)]
pub(crate) struct RestServer {
    files: Mutex<Files>,
    pub(crate) append_only: AtomicBool,
    port: u16,
}

impl RestServer {
    pub(crate) fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Arc::new(Self { port, ..Self::default() });
        let serving = Arc::clone(&server);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&serving);
                std::thread::spawn(move || server.talk(stream));
            }
        });
        server
    }

    /// As after `restic -r`.
    pub(crate) fn repository(&self) -> String {
        format!("rest:http://127.0.0.1:{}/", self.port)
    }

    /// Names of what is stored, but for locks, which come and go.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = self.files.lock().unwrap();
        files.keys().filter(|name| !name.starts_with("/locks/")).cloned().collect()
    }

    fn talk(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut writer = stream;
        while let Some((method, path, range, body)) = request(&mut reader) {
            let (status, answer) = self.answer(&method, &path, range, body);
            let length = answer.len();
            let mut bytes =
                format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n").into_bytes();
            if method != "HEAD" {
                bytes.extend(answer);
            }
            if writer.write_all(&bytes).is_err() {
                return;
            }
        }
    }

    fn answer(
        &self,
        method: &str,
        path: &str,
        range: Option<(usize, usize)>,
        body: Vec<u8>,
    ) -> (&'static str, Vec<u8>) {
        let mut files = self.files.lock().unwrap();
        let path = path.split('?').next().unwrap();
        match (method, files.get(path)) {
            ("POST", None) => {
                if !path.ends_with('/') {
                    files.insert(path.to_owned(), body);
                }
                ("200 OK", Vec::new())
            }
            ("POST", Some(_)) => ("403 Forbidden", Vec::new()),
            ("DELETE", Some(_))
                if self.append_only.load(Ordering::SeqCst) && !path.starts_with("/locks/") =>
            {
                ("403 Forbidden", Vec::new())
            }
            ("DELETE", Some(_)) => {
                files.remove(path);
                ("200 OK", Vec::new())
            }
            ("GET" | "HEAD", Some(bytes)) => match range {
                Some((from, to)) => {
                    ("206 Partial Content", bytes[from..(to + 1).min(bytes.len())].to_vec())
                }
                None => ("200 OK", bytes.clone()),
            },
            ("GET", None) if path.ends_with('/') => {
                let names: Vec<&str> =
                    files.keys().filter_map(|name| name.strip_prefix(path)).collect();
                ("200 OK", serde_json::to_vec(&names).unwrap())
            }
            _ => ("404 Not Found", Vec::new()),
        }
    }
}

type Request = (String, String, Option<(usize, usize)>, Vec<u8>);

/// Method, path, range and body; nothing at the end of the connection.
fn request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let (mut length, mut range, mut is_chunked) = (0, None, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        let Some((name, value)) = line.split_once(": ") else { break };
        match name {
            "content-length" => length = value.parse().ok()?,
            "transfer-encoding" => is_chunked = value == "chunked",
            "range" => {
                let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
                range = Some((from.parse().ok()?, to.parse().unwrap_or(usize::MAX - 1)));
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    if !is_chunked {
        reader.read_exact(&mut body).ok()?;
        return Some((method, path, range, body));
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        if size == 0 {
            return Some((method, path, range, body));
        }
        body.extend(&chunk[..size]);
    }
}
