// SPDX-License-Identifier: GPL-2.0
// Fixture of the symboliser's test: Rust names.  Prints the file offset of each
// function's first instruction, its path as the source knows it, and its line.
use std::fs;

fn file_offset(address: usize) -> usize {
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut parts = line.split_whitespace();
        let (start, end) = parts.next().unwrap().split_once('-').unwrap();
        let start = usize::from_str_radix(start, 16).unwrap();
        let end = usize::from_str_radix(end, 16).unwrap();
        let offset = usize::from_str_radix(parts.nth(1).unwrap(), 16).unwrap();
        if start <= address && address < end {
            return address - start + offset;
        }
    }
    0
}

fn tell(address: usize, name: &str, line: u32) {
    println!("{:x}\t{}:{}", file_offset(address), name, line);
}

mod shapes {
    pub trait Shape {
        fn area(&self) -> u64;
    }

    pub struct Square(pub u64);

    // One line each: where the first instruction belongs depends on no optimiser.
    pub const AREA_LINE: u32 = line!() + 4;
    impl Shape for Square {
        #[inline(never)]
        #[rustfmt::skip]
        fn area(&self) -> u64 { std::hint::black_box(self.0 * self.0) }
    }

    pub const DOUBLE_LINE: u32 = line!() + 3;
    #[inline(never)]
    #[rustfmt::skip]
    pub fn double(value: u64) -> u64 { std::hint::black_box(value * 2) }
}

fn main() {
    use shapes::Shape;

    let double: fn(u64) -> u64 = shapes::double;
    let area: fn(&shapes::Square) -> u64 = <shapes::Square as Shape>::area;

    tell(double as usize, "symbol_names::shapes::double", shapes::DOUBLE_LINE);
    tell(
        area as usize,
        "<symbol_names::shapes::Square as symbol_names::shapes::Shape>::area",
        shapes::AREA_LINE,
    );
    std::hint::black_box(double(2) + area(&shapes::Square(3)));
}
