//! How bytes are laid out: CBOR values, length-prefixed fields, and the framed file ("blob") that
//! carries a magic number, a format version and a checksum.
//!
//! Apart because everything durable goes through here, and nothing else knows a byte layout.
//!
//! A frame is `TDGT` · version (u16 LE) · kind (u16 LE) · body length (u64 LE) · CRC-32C of all that
//! precedes plus the body (u32 LE) · body. Torn, truncated and flipped bytes are all found by [`open`].

pub mod packed;

use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

/// The version of everything durable. Raised when an older reader would misread a newer file.
pub const FORMAT_VERSION: u16 = 4;

const MAGIC: [u8; 4] = *b"TDGT";

/// Bytes before the body of a frame.
pub const FRAME_HEAD_BYTES: usize = 4 + 2 + 2 + 8 + 4;

/// What a frame holds; a reader that expects one kind refuses another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// The entries of one keyed state of one subtask.
    KeyedState,
    /// Everything else of one subtask: positions, lists, watermarks, counters.
    Subtask,
    /// A manifest: the commit point of a checkpoint.
    Manifest,
}

impl FrameKind {
    const fn code(self) -> u16 {
        match self {
            Self::KeyedState => 1,
            Self::Subtask => 2,
            Self::Manifest => 3,
        }
    }
}

/// Why bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The frame is shorter than it says, or the header is not whole.
    Truncated,
    /// The bytes are no Tidegate frame, or a frame of another kind.
    NotAFrame,
    /// The frame was written in a format this build does not read.
    Version(u16),
    /// The checksum does not match: at least one bit is not what was written.
    Checksum,
    /// The frame is whole, its content does not fit the expected type.
    Content(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("cut short"),
            Self::NotAFrame => f.write_str("not a file of the expected kind"),
            Self::Version(found) => {
                write!(f, "format version {found}, this build reads version {FORMAT_VERSION}")
            }
            Self::Checksum => f.write_str("checksum mismatch"),
            Self::Content(why) => write!(f, "content does not fit: {why}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// What stands before the body of a frame; can be made when the body has been written.
#[derive(Clone, Copy, Debug)]
pub struct FrameHead {
    /// What the frame holds.
    pub kind: FrameKind,
    /// Bytes of the body.
    pub length: u64,
    /// [`checksum`] of the body.
    pub checksum: u32,
}

impl FrameHead {
    /// The head as bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; FRAME_HEAD_BYTES] {
        let mut head = [0; FRAME_HEAD_BYTES];
        head[..4].copy_from_slice(&MAGIC);
        head[4..6].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        head[6..8].copy_from_slice(&self.kind.code().to_le_bytes());
        head[8..16].copy_from_slice(&self.length.to_le_bytes());
        let length = usize::try_from(self.length).expect("a body has been in this machine");
        let checksum = crc32c::crc32c_combine(checksum(0, &head[..16]), self.checksum, length);
        head[16..].copy_from_slice(&checksum.to_le_bytes());
        head
    }
}

/// CRC-32C of what `before` is the checksum of (0 for nothing), followed by `bytes`.
#[must_use]
pub fn checksum(before: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(before, bytes)
}

/// Wraps `body` into a frame of `kind`.
#[must_use]
pub fn seal(kind: FrameKind, body: &[u8]) -> Vec<u8> {
    let head = FrameHead { kind, length: body.len() as u64, checksum: checksum(0, body) };
    [&head.to_bytes()[..], body].concat()
}

/// The body of a frame of `kind`.
///
/// # Errors
/// Says what is wrong with the bytes; a frame that passes is exactly what was sealed.
pub fn open(kind: FrameKind, frame: &[u8]) -> Result<&[u8], DecodeError> {
    let Some((header, body)) = frame.split_at_checked(FRAME_HEAD_BYTES) else {
        return Err(DecodeError::Truncated);
    };
    if header[..4] != MAGIC {
        return Err(DecodeError::NotAFrame);
    }
    let checksum = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
    let length = u64::from_le_bytes([
        header[8], header[9], header[10], header[11], header[12], header[13], header[14],
        header[15],
    ]);
    if length != body.len() as u64 {
        return Err(DecodeError::Truncated);
    }
    let version = u16::from_le_bytes([header[4], header[5]]);
    if self::checksum(self::checksum(0, &header[..16]), body) != checksum {
        return Err(DecodeError::Checksum);
    }
    if version != FORMAT_VERSION {
        return Err(DecodeError::Version(version));
    }
    if u16::from_le_bytes([header[6], header[7]]) != kind.code() {
        return Err(DecodeError::NotAFrame);
    }
    Ok(body)
}

/// CBOR of `value`.
///
/// # Panics
/// When the type's own `Serialize` refuses: writing to memory itself cannot fail.
#[must_use]
pub fn to_cbor<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).expect("a state type must be serializable as CBOR");
    out
}

/// The value that `bytes` hold, all of them.
///
/// # Errors
/// [`DecodeError::Content`] when the bytes do not hold a `T`.
pub fn from_cbor<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    // A small scratch buffer of our own: ciborium's default clears 4 KiB for every call.
    let mut scratch = [0; 256];
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_buffer(&mut rest, &mut scratch)
        .map_err(|error| DecodeError::Content(error.to_string()))?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(DecodeError::Content(format!("{} bytes follow the value", rest.len())))
    }
}

/// Appends an unsigned integer in 7-bit groups, least significant first.
pub fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes an integer written by [`write_varint`] off the front of `bytes`.
///
/// # Errors
/// [`DecodeError::Truncated`] when the bytes end before it does.
pub fn read_varint(bytes: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(DecodeError::Content("an integer of more than 64 bits".into()))
}

/// Appends `field` behind its length.
pub fn write_field(field: &[u8], out: &mut Vec<u8>) {
    write_varint(field.len() as u64, out);
    out.extend_from_slice(field);
}

/// Takes a field written by [`write_field`] off the front of `bytes`.
///
/// # Errors
/// [`DecodeError::Truncated`] when the bytes end before it does.
pub fn read_field<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let length = usize::try_from(read_varint(bytes)?).map_err(|_| DecodeError::Truncated)?;
    let (field, rest) = bytes.split_at_checked(length).ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_flipped_bit_and_every_cut_is_found() {
        let frame = seal(FrameKind::Subtask, b"seven records");
        assert_eq!(open(FrameKind::Subtask, &frame), Ok(&b"seven records"[..]));
        assert_eq!(open(FrameKind::Manifest, &frame), Err(DecodeError::NotAFrame));
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(FrameKind::Subtask, &flipped).is_err(), "bit {bit} flipped unseen");
        }
        for end in 0..frame.len() {
            assert!(open(FrameKind::Subtask, &frame[..end]).is_err(), "cut at {end} unseen");
        }
    }

    #[test]
    fn another_format_version_is_named() {
        let mut frame = seal(FrameKind::Subtask, b"x");
        frame[4] = 9;
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&frame[..16]), b"x");
        frame[16..20].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(open(FrameKind::Subtask, &frame), Err(DecodeError::Version(9)));
    }

    #[test]
    fn fields_and_integers_come_back() {
        let mut bytes = Vec::new();
        for value in [0, 1, 127, 128, 300, u64::MAX] {
            write_varint(value, &mut bytes);
        }
        write_field(b"key", &mut bytes);
        let mut rest = bytes.as_slice();
        for value in [0, 1, 127, 128, 300, u64::MAX] {
            assert_eq!(read_varint(&mut rest), Ok(value));
        }
        assert_eq!(read_field(&mut rest), Ok(&b"key"[..]));
        assert!(rest.is_empty());
        assert_eq!(read_varint(&mut rest), Err(DecodeError::Truncated));
    }
}
