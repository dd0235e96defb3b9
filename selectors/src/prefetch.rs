//! Memory prefetching, for drivers of more members than the processor's caches hold.
//!
//! The only unsafe code of the project. A world of 10,000 members and more spends most of its time waiting for memory;
//! since it knows which members come next, it can request theirs meanwhile (`cargo bench --bench scale`; figures in
//! docs/benchmarks.md). Safe Rust has no stable equivalent.

#![allow(unsafe_code)]

/// Size of a cache line in bytes.
const CACHE_LINE: usize = 64;

/// Requests the memory of a value, but not of what it points to, for use soon.
///
/// A hint without effect on results. Does nothing on processors other than x86-64.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    prefetch_first(size_of::<T>(), value);
}

/// Requests the first `bytes` bytes of a value in the same way.
#[inline(always)]
pub fn prefetch_first<T>(bytes: usize, value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        let bytes = bytes.min(size_of::<T>());
        for line in 0..bytes.div_ceil(CACHE_LINE) {
            prefetch_byte(value, line * CACHE_LINE);
        }
        // A value that does not start with a cache line ends in one more.
        if align_of::<T>() < CACHE_LINE && bytes > 0 {
            prefetch_byte(value, bytes - 1);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, value, CACHE_LINE);
}

/// Requests the cache line of one byte of a value.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch_byte<T>(value: &T, byte: usize) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    let address = core::ptr::from_ref(value).cast::<i8>().wrapping_add(byte);
    // SAFETY: SSE is part of x86-64. A prefetch reads nothing as far as the program can tell and never faults, whatever
    // the address; this one lies within `value`.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
}
