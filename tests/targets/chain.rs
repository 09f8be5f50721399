// SPDX-License-Identifier: GPL-2.0
//! Call chains of Rust; the records are those of chain.h.
//!
//! The functions allocate by malloc itself, so that the last frame is certain, or
//! through the runtime, which is then on the chain as "*rust".

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

extern "C" {
    fn malloc(size: usize) -> *mut u8;
    fn free(block: *mut u8);
}

thread_local! {
    static CHAIN: RefCell<Vec<&'static str>> = RefCell::new(Vec::with_capacity(64));
}
static RECORDS: AtomicUsize = AtomicUsize::new(0);

/// Its name is on the chain while it lives, also when a panic passes.
struct Frame;

impl Frame {
    #[inline(always)]
    fn enter(name: &'static str) -> Frame {
        CHAIN.with(|chain| chain.borrow_mut().push(name));
        Frame
    }
}

impl Drop for Frame {
    #[inline(always)]
    fn drop(&mut self) {
        CHAIN.with(|chain| chain.borrow_mut().pop());
    }
}

/// Writes the chain down; returns the size to allocate.
#[inline(never)]
fn note(scenario: &str) -> usize {
    let size = 50003 + 7 * RECORDS.fetch_add(1, Ordering::Relaxed);
    let names = CHAIN.with(|chain| chain.borrow().join("\",\""));
    println!(
        "{{\"scenario\":\"{scenario}\",\"pid\":{},\"size\":{size},\"allocs\":1,\
         \"call\":\"malloc\",\"ends\":\"\",\"least\":0,\"wild\":0,\"by_pointer\":0,\
         \"chain\":[\"{names}\"]}}",
        std::process::id()
    );
    size
}

macro_rules! alloc {
    ($scenario:expr) => {{
        let size = note($scenario);
        unsafe { free(black_box(malloc(size))) }
    }};
}

#[inline(never)]
fn recurse(depth: u32) -> u32 {
    let _frame = Frame::enter("chain::recurse");
    if depth > 1 {
        return recurse(black_box(depth - 1)) + 1;
    }
    alloc!("recursion");
    1
}

trait Shape {
    fn grow(&self, by: u32);
}

struct Circle;

impl Shape for Circle {
    #[inline(never)]
    fn grow(&self, by: u32) {
        let _frame = Frame::enter("<chain::Circle as chain::Shape>::grow");
        black_box(by);
        alloc!("trait");
    }
}

#[inline(never)]
fn through_trait(shape: &dyn Shape) {
    let _frame = Frame::enter("chain::through_trait");
    shape.grow(3);
}

/// A Vec, through the runtime's allocation.
#[inline(never)]
fn vector() {
    let _frame = Frame::enter("chain::vector");
    let _runtime = Frame::enter("*rust");
    black_box(Vec::<u8>::with_capacity(note("vector")));
}

struct Guard;

impl Drop for Guard {
    #[inline(never)]
    fn drop(&mut self) {
        let _runtime = Frame::enter("*rust"); // drop_in_place
        let _frame = Frame::enter("<chain::Guard as core::ops::drop::Drop>::drop");
        alloc!("drop");
    }
}

#[inline(never)]
fn panics() {
    let _frame = Frame::enter("chain::panics");
    let _guard = Guard;
    std::panic::resume_unwind(Box::new(1));
}

#[inline(never)]
fn caught() {
    let _frame = Frame::enter("chain::caught");
    let result = std::panic::catch_unwind(panics_in_runtime);
    assert!(result.is_err());
    alloc!("caught");
}

#[inline(always)]
fn panics_in_runtime() {
    let _runtime = Frame::enter("*rust");
    let _inlined = Frame::enter("~chain::panics_in_runtime");
    panics();
}

#[inline(never)]
fn in_thread() {
    let _frame = Frame::enter("chain::in_thread");
    alloc!("thread");
}

#[inline(never)]
fn run() {
    let _frame = Frame::enter("chain::run");
    recurse(20);
    through_trait(black_box(&Circle));
    vector();
    caught();
}

fn main() {
    {
        // the C main, and the runtime's way to this one
        let _c = Frame::enter("main");
        let _runtime = Frame::enter("+rust");
        let _frame = Frame::enter("chain::main");
        run();
    }
    std::thread::spawn(|| {
        let _runtime = Frame::enter("+rust");
        let _inlined = Frame::enter("~chain::main::{{closure}}");
        in_thread();
    })
    .join()
    .unwrap();
}
