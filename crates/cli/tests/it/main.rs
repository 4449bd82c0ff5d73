//! The program `motet` as its users run it: real processes, real sockets on loopback, their output and exit codes.

mod demo;
mod judge;
mod process;
