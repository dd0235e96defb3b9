//! Reading memory ahead of time, for drivers of more members than the cache holds.
//!
//! The only unsafe code of the project. A world of 10,000 members and more spends most of its time waiting for memory;
//! knowing which members come next, it can ask for theirs meanwhile (`cargo bench --bench scale`; docs/benchmarks.md has
//! the figures). Safe Rust has no stable way to say so.

#![allow(unsafe_code)]

/// The bytes that memory is read in.
const LINE: usize = 64;

/// Asks the processor to have a value at hand soon: a hint, without effect on what the program computes. EventKind the value
/// points to is left out. Where there is no such hint, this does nothing.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    prefetch_first(size_of::<T>(), value);
}

/// The same for so many of the value's first bytes.
#[inline(always)]
pub fn prefetch_first<T>(bytes: usize, value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        let bytes = bytes.min(size_of::<T>());
        for line in 0..bytes.div_ceil(LINE) {
            ask_for(value, line * LINE);
        }
        // EventKind does not begin with a line ends in one more.
        if align_of::<T>() < LINE && bytes > 0 {
            ask_for(value, bytes - 1);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (bytes, value, LINE);
}

/// Asks for the line of one byte of a value.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn ask_for<T>(value: &T, byte: usize) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    let at = core::ptr::from_ref(value).cast::<i8>().wrapping_add(byte);
    // SAFETY: SSE is part of x86-64. A prefetch reads nothing as far as the program can tell and never faults, whatever
    // the address; this one lies within `value`.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at) }
}
