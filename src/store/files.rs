//! The files of a database: identified, locked for one daemon, and checked before every acknowledgment.
//!
//! The lock is a `flock` on the database file itself, so that it applies to every path to the file (a link, a bind
//! mount). SQLite locks with `fcntl`, which is independent of it. Closing any descriptor of the file would release
//! SQLite's own locks, so the descriptor here stays open for as long as the store. A second lock file beside the
//! database serves network file systems, where a `flock` becomes an `fcntl` lock, and protects the path after the file
//! was replaced.
//!
//! The lock file holds the number of the newest acknowledged delivery and the head of the journal: the next start
//! compares them with the database, and notices an older copy or a journal that was cut off. They are not synced; after a
//! power cut they may be older than the database, which is no fault.

use std::fs::{File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest as _, Sha256};

use super::StoreError;
use super::file_id::FileId;
use super::head::RecordedHead;
use super::paths::{folder_of, nofollow, with_suffix};
use super::private_file::open_private;
use crate::proof::seal::MasterKey;

/// The first bytes of every SQLite database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The offset of `user_version` in the header of the main file.
const USER_VERSION: usize = 60;

/// The size of the header of the main file.
const HEADER: usize = 100;

/// The offset of the first salt in the header of a write-ahead log. Every reset increments the salt.
const SALT: usize = 16;

/// The size of the header of a write-ahead log.
const LOG_HEADER: usize = 32;

/// The first bytes of a write-ahead log. The lowest bit is the byte order of the checksums.
const LOG_MAGIC: u32 = 0x377f_0682;

/// The maximum number of stamps that the main file may have: the current one, and later ones that are not checkpointed.
const STAMPS: usize = 3;

#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    database: File,
    id: FileId,
    lock: File,
    log: OnceLock<Log>,
    /// The stamps that the main file may have; empty before the first one.
    stamps: Mutex<Vec<u32>>,
    key: Option<KeyFile>,
    acknowledged: Mutex<Acknowledged>,
    /// The file that was found to be replaced. Connections opened since then may use the other file: only a restart
    /// helps.
    replaced: OnceLock<String>,
}

/// The newest rows that were acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub(super) deliveries: i64,
    /// `None` while the journal is empty.
    pub(super) journal: Option<RecordedHead>,
}

impl Acknowledged {
    /// The number of journal entries.
    pub(super) fn entries(&self) -> i64 {
        self.journal.map_or(0, |head| head.seq)
    }
}

#[derive(Debug)]
struct Log {
    id: FileId,
    file: File,
}

#[derive(Debug)]
struct KeyFile {
    path: PathBuf,
    key: Arc<MasterKey>,
    parse: ParseKeys,
    seen: Mutex<(Option<Seen>, [u8; 32])>,
}

/// Reads the keys in a key file, the newest first.
pub(super) type ParseKeys = fn(&[u8]) -> Option<Vec<[u8; 32]>>;

/// The metadata that shows without a read whether a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    id: FileId,
    size: u64,
    changed: (i64, i64),
}

impl Files {
    /// Opens and locks the database file, which must exist.
    pub(super) fn lock(path: &Path) -> Result<Self, StoreError> {
        let database =
            OpenOptions::new().read(true).write(true).open(path).map_err(|error| unusable_file(path, &error))?;
        let metadata = database.metadata().map_err(|error| unusable_file(path, &error))?;
        if let Some(why) = wrong_kind(&metadata) {
            return Err(unusable(path, why));
        }
        // The path that SQLite uses, too: it names the log after the target of a link.
        let real = path.canonicalize().map_err(|error| unusable_file(path, &error))?;
        let in_use = || StoreError::InUse { path: path.display().to_string() };
        if network_file_system(&real).is_none() {
            try_lock(&database, path)?.then_some(()).ok_or_else(in_use)?;
        }
        let beside = with_suffix(&real, ".lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).custom_flags(nofollow());
        let lock = open_private(&mut options, &beside).map_err(|source| file_error(&beside, source))?;
        try_lock(&lock, &beside)?.then_some(()).ok_or_else(in_use)?;
        let id = FileId::of(&metadata);
        let acknowledged = Mutex::new(read_acknowledged(&lock).unwrap_or_default());
        Ok(Self {
            path: real,
            database,
            id,
            lock,
            log: OnceLock::new(),
            stamps: Mutex::default(),
            key: None,
            acknowledged,
            replaced: OnceLock::new(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn log_path(&self) -> PathBuf {
        with_suffix(&self.path, "-wal")
    }

    /// Starts to watch the key file.
    pub(super) fn watch_key(&mut self, path: &Path, key: Arc<MasterKey>, parse: ParseKeys) -> Result<(), StoreError> {
        let bytes = std::fs::read(path).map_err(|source| file_error(path, source))?;
        let seen = Mutex::new((None, Sha256::digest(&bytes).into()));
        self.key = Some(KeyFile { path: path.to_owned(), key, parse, seen });
        Ok(())
    }

    /// Starts to watch the write-ahead log. A connection is open, so the file exists and stays.
    pub(super) fn watch_log(&self) -> Result<(), StoreError> {
        let path = self.log_path();
        let file = File::open(&path).map_err(|source| file_error(&path, source))?;
        let id = FileId::of(&file.metadata().map_err(|source| file_error(&path, source))?);
        self.log.get_or_init(|| Log { id, file });
        Ok(())
    }

    /// Allows the main file to hold this stamp, or one of the two before it, until a checkpoint.
    pub(super) fn expect_stamp(&self, stamp: u32) {
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        if stamps.last() != Some(&stamp) {
            stamps.push(stamp);
            let old = stamps.len().saturating_sub(STAMPS);
            stamps.drain(..old);
        }
    }

    /// Whether the main file or its log was overwritten: `cp` overwrites a file without replacing it.
    fn is_overwritten(&self, log: &Log) -> Result<Option<PathBuf>, StoreError> {
        let main = self.main_version()?;
        let stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        if !stamps.is_empty() && !main.is_some_and(|main| stamps.contains(&main)) {
            return Ok(Some(self.path.clone()));
        }
        drop(stamps);
        let path = self.log_path();
        let failed = |source| file_error(&path, source);
        let mut header = [0; LOG_HEADER];
        let is_whole = log.file.read_at(&mut header, 0).map_err(failed)? == header.len();
        let [a, b, c, d, ..] = header;
        // An empty log is fully checkpointed.
        Ok((is_whole && u32::from_be_bytes([a, b, c, d]) & !1 != LOG_MAGIC).then_some(path))
    }

    /// Fails if a file is not the one that was opened: further writes might be lost at a restart.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if let Some(why) = self.replaced.get() {
            return Err(StoreError::FilesChanged { why: why.clone() });
        }
        match FileId::at(&self.path) {
            Ok(id) if id == self.id => {}
            Ok(_another) => return Err(self.found_replaced(&self.path, "was replaced")),
            Err(error) => return Err(missing(&self.path, &error)),
        }
        if let Some(log) = self.log.get() {
            let path = self.log_path();
            match FileId::at(&path) {
                Ok(id) if id == log.id => {}
                Ok(_another) => return Err(self.found_replaced(&path, "was replaced")),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(self.found_replaced(&path, "was removed"));
                }
                Err(error) => return Err(missing(&path, &error)),
            }
            // Checked again, because a checkpoint may have been writing these bytes.
            if self.is_overwritten(log)?.is_some()
                && let Some(path) = self.is_overwritten(log)?
            {
                return Err(self.found_replaced(&path, "was overwritten"));
            }
        }
        self.key.as_ref().map_or(Ok(()), KeyFile::check)
    }

    fn found_replaced(&self, path: &Path, what: &str) -> StoreError {
        let why = format!(
            "the file `{}` {what} while the daemon was running: nothing is accepted and no change is made until the \
             files are restored and the daemon is restarted",
            path.display()
        );
        if self.replaced.set(why.clone()).is_ok() {
            tracing::error!(reason = why, "database files changed under the running daemon");
        }
        StoreError::FilesChanged { why }
    }

    /// The record of the last process that held the lock; `None` if there is none.
    pub(super) fn acknowledged_before(&self) -> Option<Acknowledged> {
        read_acknowledged(&self.lock)
    }

    /// Records that these rows and those before them are acknowledged.
    pub(super) fn acknowledge(&self, newest: Acknowledged) -> Result<(), StoreError> {
        let mut acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = Acknowledged {
            deliveries: acknowledged.deliveries.max(newest.deliveries),
            journal: newest.journal.or(acknowledged.journal),
        };
        if newer != *acknowledged {
            self.write_acknowledged(newer)?;
            *acknowledged = newer;
        }
        Ok(())
    }

    /// Replaces the record, because the database was replaced.
    pub(super) fn reset_acknowledged(&self, to: Acknowledged) -> Result<(), StoreError> {
        let mut acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_acknowledged(to)?;
        *acknowledged = to;
        Ok(())
    }

    fn write_acknowledged(&self, Acknowledged { deliveries, journal }: Acknowledged) -> Result<(), StoreError> {
        let journal = journal.unwrap_or(RecordedHead::NONE);
        // Always of the same length, so that a later record covers an earlier one.
        let text = format!("deliveries {deliveries:020}\njournal {journal}\n");
        let path = with_suffix(&self.path, ".lock");
        self.lock.write_all_at(text.as_bytes(), 0).map_err(|source| file_error(&path, source))
    }

    /// The `user_version` of the main file alone, without the log; `None` for a file without a header.
    pub(super) fn main_version(&self) -> Result<Option<u32>, StoreError> {
        let mut header = [0; HEADER];
        let read = self.database.read_at(&mut header, 0).map_err(|source| file_error(&self.path, source))?;
        let version = header.get(USER_VERSION..).and_then(<[u8]>::first_chunk);
        Ok(version.filter(|_| read == header.len()).map(|version| u32::from_be_bytes(*version)))
    }

    /// The size of the write-ahead log; `None` if there is none.
    pub(super) fn log_size(&self) -> Result<Option<u64>, StoreError> {
        let path = self.log_path();
        match std::fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(file_error(&path, source)),
        }
    }

    /// The first salt of the write-ahead log; `None` for a log without a header.
    pub(super) fn log_salt(&self) -> Result<Option<u32>, StoreError> {
        let path = self.log_path();
        let failed = |source| file_error(&path, source);
        let log = match File::open(&path) {
            Ok(log) => log,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        let mut header = [0; LOG_HEADER];
        let read = log.read_at(&mut header, 0).map_err(failed)?;
        let salt = header.get(SALT..).and_then(<[u8]>::first_chunk);
        Ok(salt.filter(|_| read == header.len()).map(|salt| u32::from_be_bytes(*salt)))
    }

    /// Rejects a file that is not a SQLite database.
    pub(super) fn require_sqlite(&self, named: &Path) -> Result<(), StoreError> {
        let mut begins = [0; MAGIC.len()];
        let count = self.database.read_at(&mut begins, 0).map_err(|source| file_error(&self.path, source))?;
        if count == 0 || begins == *MAGIC {
            return Ok(());
        }
        Err(unusable(named, "the file is not a database: it has no SQLite header"))
    }

    /// Removes the permissions of others on the database and its log; warns where that is not possible.
    pub(super) fn make_private(&self) {
        for path in [self.path.clone(), self.log_path(), with_suffix(&self.path, "-shm")] {
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            let mode = metadata.permissions().mode() & 0o777;
            if open_to_others(&path).is_none() {
                continue;
            }
            let file = path.display().to_string();
            match std::fs::set_permissions(&path, Permissions::from_mode(mode & 0o700)) {
                Ok(()) => tracing::warn!(file, "other users could access this file (mode {mode:o}): made it private"),
                Err(error) => tracing::warn!(
                    file,
                    %error,
                    "other users can access this file (mode {mode:o}), and that cannot be changed: run chmod 600 as its owner"
                ),
            }
        }
    }
}

impl KeyFile {
    fn check(&self) -> Result<(), StoreError> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| missing(&self.path, &error))?;
        let now = Seen {
            id: FileId::of(&metadata),
            size: metadata.len(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 == Some(now) {
            return Ok(());
        }
        let bytes = std::fs::read(&self.path).map_err(|error| missing(&self.path, &error))?;
        let digest = <[u8; 32]>::from(Sha256::digest(&bytes));
        if digest != seen.1 {
            self.rotate(&bytes)?;
        }
        *seen = (Some(now), digest);
        Ok(())
    }

    /// Uses the keys of the changed file, if the present one is among them.
    fn rotate(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let keys = (self.parse)(bytes).unwrap_or_default();
        if !keys.iter().any(|key| self.key.is_sealed_by(key)) {
            let why = format!(
                "the key file `{}` was replaced by another key while the daemon was running: put the previous file back",
                self.path.display()
            );
            return Err(StoreError::FilesChanged { why });
        }
        self.key.set_masters(&keys);
        tracing::warn!(keys = keys.len(), "the key file changed: new data is encrypted with its first key");
        Ok(())
    }
}

/// Rejects a path that is not and cannot become a database file, before anything is created. Returns whether it exists.
pub(super) fn examine(path: &Path) -> Result<bool, StoreError> {
    match std::fs::metadata(path) {
        Ok(metadata) => wrong_kind(&metadata).map_or(Ok(true), |why| Err(unusable(path, why))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if std::fs::symlink_metadata(path).is_ok() {
                return Err(unusable(path, "it is a symbolic link to a file that does not exist"));
            }
            let folder = folder_of(path);
            match std::fs::metadata(folder) {
                Ok(metadata) if metadata.is_dir() => Ok(false),
                Ok(_file) => Err(unusable(path, format!("`{}` is not a folder", folder.display()))),
                Err(_missing) => Err(unusable(path, format!("the folder `{}` does not exist", folder.display()))),
            }
        }
        Err(error) => Err(unusable_file(path, &error)),
    }
}

/// Creates the empty file of a new database, readable by its owner only, whatever the umask. SQLite gives the files
/// that it creates beside it the same permissions.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    for suffix in ["-wal", "-journal"] {
        let left = with_suffix(path, suffix);
        if std::fs::metadata(&left).is_ok_and(|metadata| metadata.len() > 0) {
            let why = format!(
                "the database is missing, but its log `{}` is there: put the database back, or run \
                 `offboardd restore` with a backup",
                left.display()
            );
            return Err(unusable(path, why));
        }
    }
    match open_private(OpenOptions::new().write(true).create_new(true), path) {
        Ok(_created) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unusable_file(path, &error)),
    }
}

/// The file system that holds `path`, if SQLite cannot rely on its locks or shared memory.
pub(super) fn network_file_system(path: &Path) -> Option<&'static str> {
    let found = rustix::fs::statfs(path).or_else(|_missing| rustix::fs::statfs(folder_of(path))).ok()?;
    // The kernel's magic numbers have 32 bits; the type of the field differs between platforms.
    match u32::try_from(i128::from(found.f_type) & 0xffff_ffff).ok()? {
        0x6969 => Some("NFS"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Some("SMB/CIFS"),
        0x6573_5546 => Some("FUSE"),
        0x0102_1997 => Some("9p"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x786f_4256 => Some("VirtualBox shared folder"),
        _ => None,
    }
}

pub(super) fn unusable(path: &Path, why: impl Into<String>) -> StoreError {
    StoreError::Unusable { path: path.display().to_string(), why: why.into() }
}

pub(super) fn file_error(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File { path: path.display().to_string(), source }
}

fn unusable_file(path: &Path, error: &std::io::Error) -> StoreError {
    let kind = error.kind();
    let why = if kind == ErrorKind::PermissionDenied {
        "the user that runs offboardd may not read and write it: the file and its folder must belong to that user"
            .to_owned()
    } else if kind == ErrorKind::ReadOnlyFilesystem {
        "the file system is read-only".to_owned()
    } else if kind == ErrorKind::IsADirectory {
        "it is a folder, not a file".to_owned()
    } else {
        error.to_string()
    };
    unusable(path, why)
}

fn wrong_kind(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        Some("it is a folder, not a file")
    } else if kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device() {
        Some("it is not a regular file")
    } else {
        None
    }
}

fn missing(path: &Path, error: &std::io::Error) -> StoreError {
    let file = path.display();
    let why = if error.kind() == ErrorKind::NotFound {
        format!("the file `{file}` was removed, or its folder was renamed, while the daemon was running: put it back")
    } else {
        format!("the file `{file}` cannot be checked: {error}")
    };
    StoreError::FilesChanged { why }
}

fn try_lock(file: &File, path: &Path) -> Result<bool, StoreError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(file_error(path, source)),
    }
}

/// The journal's head as it was recorded beside the database at `path`; `None` if there is no record.
pub(super) fn recorded_head(path: &Path) -> Option<RecordedHead> {
    let lock = File::open(with_suffix(&path.canonicalize().ok()?, ".lock")).ok()?;
    read_acknowledged(&lock)?.journal
}

fn read_acknowledged(lock: &File) -> Option<Acknowledged> {
    let mut bytes = [0; 256];
    let count = lock.read_at(&mut bytes, 0).ok()?;
    let text = std::str::from_utf8(bytes.get(..count)?).ok()?;
    let mut lines = text.lines();
    let deliveries = lines.next()?.strip_prefix("deliveries ")?.parse().ok()?;
    let journal = lines.next()?.strip_prefix("journal ")?.parse().ok()?;
    Some(Acknowledged { deliveries, journal: Some(journal).filter(|head| *head != RecordedHead::NONE) })
}

/// The mode of a file that others may use. A file of another owner is there for our group to read, as a secret that Kubernetes
/// mounts.
pub(super) fn open_to_others(path: &Path) -> Option<u32> {
    let found = std::fs::metadata(path).ok()?;
    let mode = found.permissions().mode() & 0o777;
    let is_ours = found.uid() == rustix::process::geteuid().as_raw();
    let others = if is_ours { 0o077 } else { 0o037 };
    (mode & others != 0).then_some(mode)
}
