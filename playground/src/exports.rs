//! What the WebAssembly module exports: `input(len)` makes room for a request and returns its address, `call()` answers it
//! and returns the length of the response, `output()` is the response's address, and `words()` with `word_count()` is the
//! memory of the words beside it. Addresses are valid until the next call of any of them but the last three.

// Exported names are the only unsafe thing: no pointer is followed on this side.
#![allow(unsafe_code, unreachable_pub)]

use std::cell::RefCell;

use crate::Session;

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

#[derive(Default)]
struct Page {
    session: Session,
    input: Vec<u8>,
    output: Vec<u8>,
}

/// Makes room for a request of `len` bytes, and returns its address.
#[unsafe(no_mangle)]
pub extern "C" fn input(len: usize) -> *mut u8 {
    PAGE.with_borrow_mut(|page| {
        page.input = vec![0; len];
        page.input.as_mut_ptr()
    })
}

/// Answers the request, and returns the length of the response.
#[unsafe(no_mangle)]
pub extern "C" fn call() -> usize {
    PAGE.with_borrow_mut(|page| {
        page.output = page.session.answer(&page.input);
        page.output.len()
    })
}

/// The address of the response.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    PAGE.with_borrow(|page| page.output.as_ptr())
}

/// The address of the words beside the response.
#[unsafe(no_mangle)]
pub extern "C" fn words() -> *const u32 {
    PAGE.with_borrow(|page| page.session.words().as_ptr())
}

/// The number of words beside the response.
#[unsafe(no_mangle)]
pub extern "C" fn word_count() -> usize {
    PAGE.with_borrow(|page| page.session.words().len())
}
