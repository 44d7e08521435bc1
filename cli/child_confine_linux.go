//go:build linux && (amd64 || arm64)

package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"plumbline.dev/plumbline/jobs"
)

// Rules of this file: everything here happens before a byte of a repository is read, holds for every thread and for the git
// processes that are started later, and cannot be taken back. What the kernel does not know is left out and not listed; what it
// knows and refuses is an error, since nobody would notice that it is missing.

// confine takes from the process everything that scanning does not need.
func confine(gitDir string, l jobs.ChildLimits) (held []string, err error) {
	if err := limitResources(l); err != nil {
		return nil, err
	}
	held = append(held, "limits")
	runtime.LockOSThread() // the filter of calls is set from the thread that gave up new privileges
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("give up new privileges: %w", err)
	}
	ok, err := limitFiles(gitDir)
	if err != nil {
		return nil, err
	}
	if ok {
		held = append(held, "landlock")
	}
	if err := limitCalls(); err != nil {
		return nil, err
	}
	return append(held, "seccomp"), nil
}

// limitResources sets what the kernel counts. Memory is counted as address space, because nothing else is counted for one
// process alone.
func limitResources(l jobs.ChildLimits) error {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return fmt.Errorf("see how much memory is mapped: %w", err)
	}
	pages, err := strconv.ParseUint(strings.Fields(string(text))[0], 10, 64)
	if err != nil {
		return fmt.Errorf("see how much memory is mapped: %w", err)
	}
	mapped := pages * uint64(os.Getpagesize())
	seconds := uint64((l.CPU + time.Second - 1) / time.Second)
	for _, r := range []struct {
		name      string
		which     int
		soft, max uint64
	}{
		{"memory", unix.RLIMIT_AS, mapped + uint64(l.Memory), mapped + uint64(l.Memory)},
		{"processor time", unix.RLIMIT_CPU, seconds, seconds + 1}, // the signal at the first says why, the second is the end
		{"open files", unix.RLIMIT_NOFILE, 128, 128},
		{"size of files", unix.RLIMIT_FSIZE, 0, 0},
		{"core files", unix.RLIMIT_CORE, 0, 0},
	} {
		if err := syscall.Setrlimit(r.which, &syscall.Rlimit{Cur: r.soft, Max: r.max}); err != nil {
			return fmt.Errorf("limit %s: %w", r.name, err)
		}
	}
	debug.SetMemoryLimit(l.Memory * 3 / 4)
	debug.SetMaxStack(int(min(l.Memory/4, 512<<20)))
	return nil
}

// limitFiles leaves the repository, the git program and the libraries to be read, and nothing to be written, with Landlock. It
// reports false where the kernel does not have it.
func limitFiles(gitDir string) (bool, error) {
	abi, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return false, nil
	}
	const read = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	const run = read | unix.LANDLOCK_ACCESS_FS_EXECUTE
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1} // every right of the first version
	if abi >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= 5 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	size := unsafe.Sizeof(attr)
	if abi < 4 {
		size = unsafe.Offsetof(attr.Handled_access_net)
	} else if abi < 6 {
		size = unsafe.Offsetof(attr.Scoped)
	} else {
		size = unsafe.Offsetof(attr.Quiet_access_fs)
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	set, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if e != 0 {
		return false, fmt.Errorf("make rules for files: %w", e)
	}
	defer unix.Close(int(set))
	allow := map[string]uint64{gitDir: read, os.DevNull: unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE,
		"/etc/ld.so.cache": read, "/etc/ld.so.preload": read, "/lib": run, "/lib64": run, "/usr/lib": run, "/usr/lib64": run, "/usr/libexec": run, "/usr/local/lib": run}
	git, err := exec.LookPath("git")
	if err != nil {
		return false, errors.New("git is not installed: repositories are read with it")
	}
	for _, name := range []string{git, evaluated(git)} {
		allow[name] = run
	}
	for dir, rights := range allow {
		if err := allowBeneath(int(set), dir, rights); err != nil {
			return false, err
		}
	}
	if _, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); e == unix.ENOTSUP {
		return false, nil // a program with C in it, as the race detector makes: threads that Go does not know cannot be held
	} else if e != 0 {
		return false, fmt.Errorf("give up new privileges: %w", e)
	}
	if _, _, e := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0); e != 0 {
		return false, fmt.Errorf("keep to the rules for files: %w", e)
	}
	return true, nil
}

func evaluated(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	return name
}

// allowBeneath allows what lies at and below a path; of a path that there is not there is nothing to allow.
func allowBeneath(set int, name string, rights uint64) error {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer unix.Close(fd)
	var about unix.Stat_t
	if err := unix.Fstat(fd, &about); err != nil {
		return fmt.Errorf("look at %s: %w", name, err)
	}
	if about.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &^= unix.LANDLOCK_ACCESS_FS_READ_DIR
	}
	// The structure is packed: eight bytes of rights, four of the descriptor.
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	if _, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0); e != 0 {
		return fmt.Errorf("allow %s: %w", name, e)
	}
	return nil
}

// refused are the calls that a scan has no use for and that others were broken with: every socket, other processes, mounts,
// namespaces, modules, keys, and io_uring, through which calls go that this filter does not see.
var refused = []uintptr{
	unix.SYS_SOCKET, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP, unix.SYS_PROCESS_MADVISE,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSCONFIG,
	unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_INIT_MODULE,
	unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_SYSLOG, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_VHANGUP, unix.SYS_FANOTIFY_INIT, unix.SYS_PERSONALITY,
}

// limitCalls refuses calls to the kernel with a filter. What is refused fails with "operation not permitted"; clone3, whose
// flags a filter cannot see, seems not to be there, and programs take clone instead.
func limitCalls() error {
	arch := uint32(unix.AUDIT_ARCH_X86_64)
	if runtime.GOARCH == "arm64" {
		arch = unix.AUDIT_ARCH_AARCH64
	}
	const nr, architecture = 0, 4 // offsets in struct seccomp_data
	statement := func(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }
	jump := func(code uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: code, Jt: yes, Jf: no, K: k}
	}
	const load, equal, atLeast, give = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	filter := []unix.SockFilter{
		statement(load, architecture),
		jump(equal, arch, 1, 0),
		statement(give, unix.SECCOMP_RET_KILL_PROCESS),
		statement(load, nr),
		jump(atLeast, 0x40000000, 0, 1), // the calls of x32, by which others could be reached
		statement(give, unix.SECCOMP_RET_KILL_PROCESS),
		jump(equal, unix.SYS_CLONE3, 0, 1),
		statement(give, unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)),
	}
	for _, call := range refused {
		filter = append(filter, jump(equal, uint32(call), 0, 1), statement(give, unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM)))
	}
	filter = append(filter, statement(give, unix.SECCOMP_RET_ALLOW))
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// All threads at once.
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); e != 0 {
		return fmt.Errorf("refuse calls to the kernel: %w", e)
	}
	return nil
}
