//! What is logged.

use std::{
    io,
    sync::{Arc, LazyLock},
};

use parking_lot::Mutex;
use tracing::level_filters::LevelFilter;

/// Everything that was logged by this process so far, from `INFO` upwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// Keeps what is logged from now on. Tests run side by side, so they look for what is theirs.
pub(crate) fn captured() -> Log {
    static LOG: LazyLock<Log> = LazyLock::new(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::INFO)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    });
    LOG.clone()
}

impl Log {
    pub(crate) fn lines_with(&self, text: &str) -> Vec<String> {
        let log = self.0.lock();
        let lines = String::from_utf8_lossy(&log);
        lines.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
