//! Requests to the valgrind that this program runs under: rotations that add up to nothing, which valgrind recognises
//! and a processor shrugs off (`valgrind.h`, `memcheck.h`).

const RUNNING_ON_VALGRIND: usize = 0x1001;
const COUNT_ERRORS: usize = 0x1201;
const MAKE_MEM_UNDEFINED: usize = 0x4D43_0001;
const MAKE_MEM_DEFINED: usize = 0x4D43_0002;

/// Outside of valgrind every request answers 0.
fn request(code: usize, first: usize, second: usize) -> usize {
    let arguments = [code, first, second, 0, 0, 0];
    let mut answer = 0usize;
    // SAFETY: outside of valgrind the four rotations of rdi add up to 128 bits, which is none, and the exchange is of a
    // register with itself. Under valgrind the arguments are read from memory that outlives the block; what it writes is
    // rdx, and its own notes on which bits are defined.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

/// Whether valgrind is looking.
pub fn is_watching() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0) != 0
}

/// How many errors memcheck has found so far, repeated ones counted again.
pub fn errors() -> usize {
    request(COUNT_ERRORS, 0, 0)
}

/// From here on, a branch or an address that depends on these bytes is an error.
pub fn conceal(bytes: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, bytes.as_ptr() as usize, bytes.len());
}

/// From here on, these bytes are public.
pub fn reveal(start: *mut u8, length: usize) {
    request(MAKE_MEM_DEFINED, start as usize, length);
}
