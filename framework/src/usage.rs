//! What this process has cost the machine so far, as the system tells.

/// CPU seconds over all threads; 0 where the system does not tell.
#[must_use]
pub fn cpu_seconds() -> f64 {
    /// Ticks per second in what the kernel shows to programs: the same on every Linux.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The command's name may hold spaces; the fields begin behind its closing parenthesis.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |n: usize| fields.split_whitespace().nth(n).and_then(|f| f.parse::<f64>().ok());
    // Fields 14 and 15 (user and system ticks), of which 2 stand before the parenthesis.
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / TICKS
}

/// The most memory that was resident at once, in bytes; 0 where the system does not tell.
#[must_use]
pub fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
