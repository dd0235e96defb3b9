//! The memory that this process can still take: of the machine, of its control groups and of its address space.
//!
//! Containers and services run in control groups whose limit is far below the machine's memory; a process that exceeds
//! it is killed. Linux only; elsewhere the free memory is not known.

use std::fs;
use std::path::{Path, PathBuf};

/// Free memory in bytes; `None` if the system does not tell.
pub(super) fn free_memory() -> Option<u64> {
    free_memory_under(Path::new("/"))
}

/// The least of all limits, as the files below `root` state them.
fn free_memory_under(root: &Path) -> Option<u64> {
    let groups = groups(root);
    let limits = groups.iter().filter_map(|group| group.left());
    limits.chain(of_machine(root)).chain(of_address_space(root)).min()
}

fn of_machine(root: &Path) -> Option<u64> {
    kib(&fs::read_to_string(root.join("proc/meminfo")).ok()?, "MemAvailable:")
}

/// The rest of the limit that `ulimit -v` sets.
fn of_address_space(root: &Path) -> Option<u64> {
    let limits = fs::read_to_string(root.join("proc/self/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    // The soft limit, which is a word if there is none.
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    let used = kib(&fs::read_to_string(root.join("proc/self/status")).ok()?, "VmSize:")?;
    Some(limit.saturating_sub(used))
}

/// The value of a line `NAME: 123 kB`, in bytes.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// A directory of a control group that may limit memory.
struct Group {
    dir: PathBuf,
    files: &'static Files,
}

/// The names of a version's files.
struct Files {
    /// Type of its file system.
    kind: &'static str,
    limit: &'static str,
    usage: &'static str,
    /// Key in `memory.stat` of the cached file contents that the kernel gives up first.
    cache: &'static str,
}

const VERSIONS: [Files; 2] = [
    Files { kind: "cgroup2", limit: "memory.max", usage: "memory.current", cache: "inactive_file" },
    Files {
        kind: "cgroup",
        limit: "memory.limit_in_bytes",
        usage: "memory.usage_in_bytes",
        cache: "total_inactive_file",
    },
];

impl Group {
    /// The rest of the limit of the group; `None` without a limit.
    fn left(&self) -> Option<u64> {
        let number = |file: &str| fs::read_to_string(self.dir.join(file)).ok()?.trim().parse::<u64>().ok();
        // Without a limit, version 2 has a word here and version 1 a number beyond all memory.
        let limit = number(self.files.limit)?;
        let stat = fs::read_to_string(self.dir.join("memory.stat")).unwrap_or_default();
        let cache = stat.lines().find_map(|line| line.strip_prefix(self.files.cache)?.trim().parse::<u64>().ok());
        let used = number(self.files.usage).unwrap_or(0).saturating_sub(cache.unwrap_or(0));
        Some(limit.saturating_sub(used))
    }
}

/// The process's control group of each version that is mounted with control of memory, and the groups that contain it,
/// whose limits hold as well.
fn groups(root: &Path) -> Vec<Group> {
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    let (mounts, memberships) = (read("proc/self/mountinfo"), read("proc/self/cgroup"));
    let mut groups = Vec::new();
    for mount in mounts.lines().filter_map(Mount::parse) {
        let path = memberships.lines().find_map(|line| mount.membership(line));
        // In a container the path may be one of the host, of which only the end, or nothing, is mounted.
        let path = Path::new(path.unwrap_or("/"));
        let inside = path.strip_prefix(mount.root).or_else(|_| path.strip_prefix("/")).unwrap_or(path);
        let point = root.join(mount.point.trim_start_matches('/'));
        let dirs = inside.ancestors().map(|dir| point.join(dir));
        groups.extend(dirs.map(|dir| Group { dir, files: mount.files }));
    }
    groups
}

/// A mounted hierarchy of control groups.
struct Mount<'a> {
    /// The directory of the hierarchy that is mounted.
    root: &'a str,
    point: &'a str,
    files: &'static Files,
}

impl<'a> Mount<'a> {
    /// Reads a line of `/proc/self/mountinfo`; `None` if it is not about control of memory.
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, source) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, point) = (mount.next()?, mount.next()?);
        let mut source = source.split(' ');
        let kind = source.next()?;
        let files = VERSIONS.iter().find(|files| files.kind == kind)?;
        let mut controls_memory = || source.nth(1).is_some_and(|options| options.split(',').any(|one| one == "memory"));
        (kind == "cgroup2" || controls_memory()).then_some(Self { root, point, files })
    }

    /// The path of the group that a line of `/proc/self/cgroup` names, if it is about this hierarchy.
    fn membership<'b>(&self, line: &'b str) -> Option<&'b str> {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let is_this = match self.files.kind {
            "cgroup2" => controllers.is_empty(),
            _ => controllers.split(',').any(|controller| controller == "memory"),
        };
        is_this.then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: (&str, &str) = ("proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable:    8000000 kB\n");
    const V2: (&str, &str) =
        ("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    const V1: (&str, &str) = (
        "proc/self/mountinfo",
        "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
         32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
    );
    const MB: u64 = 1_000_000;

    /// The free memory on a machine with these files.
    fn free(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        free_memory_under(root.path())
    }

    #[test]
    fn without_limits_it_is_that_of_the_machine() {
        assert_eq!(free(&[]), None);
        assert_eq!(free(&[MACHINE]), Some(8_192 * MB));
        let unlimited = [MACHINE, V2, ("proc/self/cgroup", "0::/a\n"), ("sys/fs/cgroup/a/memory.max", "max\n")];
        assert_eq!(free(&unlimited), Some(8_192 * MB));
        let huge = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(free(&[MACHINE, V1, ("proc/self/cgroup", "4:memory:/\n"), huge]), Some(8_192 * MB));
    }

    // F13
    #[test]
    fn the_limit_of_a_control_group_counts() {
        let v2 = [
            MACHINE,
            V2,
            ("proc/self/cgroup", "0::/user.slice/run.scope\n"),
            ("sys/fs/cgroup/user.slice/run.scope/memory.max", "300000000\n"),
            ("sys/fs/cgroup/user.slice/run.scope/memory.current", "70000000\n"),
            ("sys/fs/cgroup/user.slice/run.scope/memory.stat", "anon 20000000\ninactive_file 50000000\n"),
        ];
        assert_eq!(free(&v2), Some(280 * MB));
        let v1 = [
            MACHINE,
            V1,
            ("proc/self/cgroup", "5:cpu:/\n4:memory:/docker/ab12\n0::/\n"),
            ("sys/fs/cgroup/memory/docker/ab12/memory.limit_in_bytes", "300000000\n"),
            ("sys/fs/cgroup/memory/docker/ab12/memory.usage_in_bytes", "20000000\n"),
        ];
        assert_eq!(free(&v1), Some(280 * MB));
    }

    #[test]
    fn the_limits_of_containing_groups_count_too() {
        let files = [
            MACHINE,
            V2,
            ("proc/self/cgroup", "0::/a/b/c\n"),
            ("sys/fs/cgroup/a/b/c/memory.max", "max\n"),
            ("sys/fs/cgroup/a/memory.max", "300000000\n"),
        ];
        assert_eq!(free(&files), Some(300 * MB));
    }

    #[test]
    fn in_a_container_the_mounted_part_counts() {
        // The mount shows the container's group alone, under the host's path or as the root.
        let bound =
            ("proc/self/mountinfo", "32 23 0:28 /docker/ab12 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
        let limit = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "300000000\n");
        assert_eq!(free(&[MACHINE, bound, ("proc/self/cgroup", "4:memory:/docker/ab12\n"), limit]), Some(300 * MB));
        let limit = ("sys/fs/cgroup/memory.max", "300000000\n");
        assert_eq!(free(&[MACHINE, V2, ("proc/self/cgroup", "0::/kubepods/pod1/ab12\n"), limit]), Some(300 * MB));
    }

    #[test]
    fn the_limit_of_the_address_space_counts() {
        let limits = (
            "proc/self/limits",
            "Limit   Soft Limit  Hard Limit  Units\nMax address space   300000000  unlimited  bytes\n",
        );
        let status = ("proc/self/status", "Name: swimlab\nVmSize:     100000 kB\n");
        assert_eq!(free(&[MACHINE, limits, status]), Some(300 * MB - 102_400_000));
        let unlimited = ("proc/self/limits", "Max address space   unlimited  unlimited  bytes\n");
        assert_eq!(free(&[MACHINE, unlimited, status]), Some(8_192 * MB));
    }
}
