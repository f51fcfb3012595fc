//! Takes rights away from our own process for good: resources, network, files.
use std::path::PathBuf;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Calls of the x32 convention carry this bit; where the kernel knows it, they
/// would be a way around rules for the usual numbers.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;

/// Lowers a limit, for our children, too. Never raises one.
///
/// # Errors
/// The system refuses.
pub fn limit(resource: Resource, value: u64) -> Result<(), String> {
    let now = getrlimit(resource);
    let value = now.maximum.map_or(value, |most| value.min(most));
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
        .map_err(|error| format!("a limit of {value} for {resource:?} is refused: {error}"))
}

/// How much of the network is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Sockets within this host stay, as databases need them.
    HostOnly,
    /// No socket at all, and no other program is started.
    Nothing,
}

/// Takes the network away from this process and all that it starts. Has to be
/// called while there is but one thread.
///
/// # Errors
/// The kernel or the processor does not support it; nothing is taken away then.
pub fn leave_network(rest: Network) -> Result<(), String> {
    let program = filter(rest).map_err(|error| format!("no filter of system calls: {error}"))?;
    seccompiler::apply_filter(&program)
        .map_err(|error| format!("the kernel takes no filter of system calls: {error}"))
}

fn filter(rest: Network) -> Result<BpfProgram, seccompiler::BackendError> {
    let processor: TargetArch = std::env::consts::ARCH.try_into()?;
    // Rings are a second way to sockets; tracing is a way into a process with rights.
    let mut denied = vec![
        (libc::SYS_io_uring_setup, vec![]),
        (libc::SYS_ptrace, vec![]),
        (libc::SYS_process_vm_readv, vec![]),
        (libc::SYS_process_vm_writev, vec![]),
        (libc::SYS_bpf, vec![]),
    ];
    match rest {
        Network::HostOnly => {
            let is_other = SeccompCondition::new(
                0,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::Ne,
                u64::from(libc::AF_UNIX.cast_unsigned()),
            )?;
            denied.push((libc::SYS_socket, vec![SeccompRule::new(vec![is_other])?]));
        }
        Network::Nothing => {
            for call in [
                libc::SYS_socket,
                libc::SYS_socketpair,
                libc::SYS_connect,
                libc::SYS_bind,
                libc::SYS_execve,
                libc::SYS_execveat,
                libc::SYS_kill,
                libc::SYS_tkill,
                libc::SYS_pidfd_send_signal,
                libc::SYS_mount,
                libc::SYS_unshare,
                libc::SYS_setns,
            ] {
                denied.push((call, vec![]));
            }
        }
    }
    #[cfg(target_arch = "x86_64")]
    {
        let other_convention: Vec<_> =
            denied.iter().map(|(call, _)| (call | X32, vec![])).collect();
        denied.extend(other_convention);
    }
    SeccompFilter::new(
        denied.into_iter().collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(rustix::io::Errno::PERM.raw_os_error().cast_unsigned()),
        processor,
    )?
    .try_into()
}

/// Leaves this process nothing of the file system but `readable` and `writable`
/// trees. Files that are open already stay so.
///
/// # Errors
/// The kernel does not support it; nothing is taken away then.
pub fn leave_files(readable: &[PathBuf], writable: &[PathBuf]) -> Result<(), String> {
    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetStatus, path_beneath_rules,
    };
    let version = ABI::V3;
    let apply = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(version))?
            .create()?
            .add_rules(path_beneath_rules(readable, AccessFs::from_read(version)))?
            .add_rules(path_beneath_rules(writable, AccessFs::from_all(version)))?
            .restrict_self()
    };
    match apply() {
        Ok(done) if done.ruleset != RulesetStatus::NotEnforced => Ok(()),
        Ok(_) => Err("the kernel has no Landlock".to_owned()),
        Err(error) => Err(format!("Landlock is refused: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_can_be_built_here() {
        for rest in [Network::HostOnly, Network::Nothing] {
            assert!(filter(rest).unwrap().len() > 10);
        }
    }
}
