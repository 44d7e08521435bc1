//go:build unix

package mirror

import (
	"os/exec"
	"syscall"
)

// group puts a program into a process group of its own, so that what it starts (ssh, index-pack) ends with it.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
