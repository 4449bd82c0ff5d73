//! The program `motet` as its users run it: real processes, real sockets on loopback, their output and exit codes.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

mod api;
mod api_schema;
mod applications;
mod arguments;
mod asked;
mod browser;
mod clients;
mod command_line;
mod configured;
mod consent;
mod contract;
mod cosigners;
#[cfg(feature = "failpoints")]
mod crash;
mod demo;
mod evidence;
mod files;
mod fine;
mod folders;
mod groups;
mod journeys;
mod judge;
mod keyless;
mod keys;
mod lab;
mod messages;
mod metrics;
mod nat;
mod networks;
mod nobody;
mod page;
mod pages;
mod patterns;
mod policy;
mod privacy;
mod process;
mod psbt;
mod requests;
mod rounds;
mod running_log;
mod searching;
mod seeds;
mod service;
mod session;
mod shape;
mod signals;
mod strangers;
mod terminal;
mod treasury;
mod tutorial;
mod watching;
mod webhooks;
mod writes;
