//go:build unix && !linux

package jobs

import (
	"os/exec"
	"syscall"
)

const networks = false

// confine puts a child into a process group of its own.
func confine(cmd *exec.Cmd, _ bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
