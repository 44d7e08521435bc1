package jobs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"plumbline.dev/plumbline/seal"
)

// ChildOptions is how a child is started. The zero value is this program.
type ChildOptions struct {
	Program  string   // the program that knows the command; empty: the running one
	Args     []string // before anything else; nil: scan-child
	Env      []string // added to the child's environment, for tests; nobody's secrets
	Progress func(Progress)
	Confined func(how []string) // told what holds the child back, when it is done; may be nil
}

// ChildCommand is the command of the program that scans for the server. People do not call it.
const ChildCommand = "scan-child"

// ChildError says that a child did not come to its end. What it sent before holds.
type ChildError struct {
	Limit  string // memory, processor time, time, output; empty when it was no limit
	Commit string // the commit that it was at; empty when it was at none
	Text   string // for people
}

func (e *ChildError) Error() string { return e.Text }

// RunChild scans commits in a process of its own and hands over the results in the order of the request, each as soon as it
// is there. An error of each ends the child and is returned. A *ChildError is about the repository: go on behind
// ChildError.Commit; any other error is about the surroundings.
func RunChild(ctx context.Context, o ChildOptions, q Request, each func(CommitResult) error) error {
	q.Limits = q.Limits.Defaults()
	if o.Program == "" {
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find the program that scans: %w", err)
		}
		o.Program = exe
	}
	if o.Args == nil {
		o.Args = []string{ChildCommand}
	}
	text, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("write the request for the scan: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(q.Limits.Wall, func() {
		cancel(&ChildError{Limit: "time", Text: fmt.Sprintf("the scan took longer than %s", q.Limits.Wall)})
	})
	defer timer.Stop()
	c := &child{ctx: ctx, cancel: cancel, request: &q, options: &o, each: each}
	c.words.left = 64 << 10
	return c.run(text)
}

// child is one run of a child.
type child struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	request *Request
	options *ChildOptions
	each    func(CommitResult) error

	words   firstWords // what it says on standard error
	results int
	end     *childEnd
	spent   time.Duration // of processor time, its programs included
}

// start starts the process, in a network of its own where the kernel lets us.
func (c *child) start(text []byte) (cmd *exec.Cmd, out io.ReadCloser, network bool, err error) {
	for _, network := range []bool{true, false} {
		cmd = exec.CommandContext(c.ctx, c.options.Program, c.options.Args...)
		cmd.Env = append(childEnvironment(), c.options.Env...)
		cmd.Dir = os.TempDir()
		if runtime.GOOS != "windows" {
			cmd.Dir = "/"
		}
		cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &c.words
		cmd.WaitDelay = 5 * time.Second
		confine(cmd, network)
		if out, err = cmd.StdoutPipe(); err != nil {
			return nil, nil, false, err
		}
		if err = cmd.Start(); err == nil {
			return cmd, out, network && networks, nil
		}
		out.Close()
		if !networks {
			break
		}
	}
	return nil, nil, false, fmt.Errorf("start the process that scans: %w", err)
}

// childEnvironment is what a child sees of the process: where programs are, and nothing else.
func childEnvironment() []string {
	env := []string{"LC_ALL=C", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GOTRACEBACK=single"}
	for _, name := range []string{"PATH", "SYSTEMROOT", "GIT_EXEC_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func (c *child) run(text []byte) error {
	done := make(chan error, 1)
	go func() {
		// The child ends with the thread that started it, see Pdeathsig.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd, out, network, err := c.start(text)
		if err != nil {
			done <- err
			return
		}
		read := c.read(out)
		if read != nil {
			c.cancel(read)
			io.Copy(io.Discard, out)
		}
		waited := cmd.Wait()
		if cmd.ProcessState != nil {
			c.spent = cmd.ProcessState.SystemTime() + cmd.ProcessState.UserTime()
		}
		if c.end != nil && network {
			c.end.Sandbox = append(c.end.Sandbox, "network namespace")
		}
		switch {
		case read != nil:
			done <- read
		case context.Cause(c.ctx) != nil:
			done <- c.at(context.Cause(c.ctx))
		default:
			done <- c.verdict(waited)
		}
	}()
	err := <-done
	if c.end != nil && c.options.Confined != nil {
		c.options.Confined(c.end.Sandbox)
	}
	return err
}

// at says at which commit something happened.
func (c *child) at(err error) error {
	e, ok := errors.AsType[*ChildError](err)
	if !ok {
		return err
	}
	if c.results < len(c.request.Commits) {
		e.Commit = c.request.Commits[c.results].ID
		e.Text = fmt.Sprintf("%s, at commit %.12s", e.Text, e.Commit)
	}
	return e
}

// verdict says how a child ended that nobody ended.
func (c *child) verdict(waited error) error {
	l := c.request.Limits
	words := c.words.buffer.String()
	fail := func(limit, format string, args ...any) error {
		return c.at(&ChildError{Limit: limit, Text: fmt.Sprintf(format, args...)})
	}
	switch {
	case c.end != nil && c.end.Err == "" && c.end.Commits == c.results && waited == nil:
		return nil
	case c.end != nil && c.end.Err != "":
		return fail(c.end.Limit, "%s", c.end.Err)
	case strings.Contains(words, "out of memory"), strings.Contains(words, "cannot allocate memory"), strings.Contains(words, "failed to allocate"):
		return fail("memory", "the scan needed more than %d MiB of memory", l.Memory>>20)
	case strings.Contains(words, "goroutine stack exceeds"), strings.Contains(words, "stack overflow"):
		return fail("memory", "the scan ran out of stack: something is nested too deeply")
	case c.spent >= l.CPU:
		return fail("processor time", "the scan needed more than %s of processor time", l.CPU)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(words), "\n")
	if len(line) > 300 {
		line = line[:300]
	}
	return fail("", "the process that scans ended early (%v): %s", waited, seal.Redact(strings.ToValidUTF8(line, "?")))
}

// read reads what the child sends, up to its end.
func (c *child) read(out io.Reader) error {
	l := c.request.Limits
	in := bufio.NewReaderSize(out, 256<<10)
	var total int64
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if total += int64(len(part)); total > l.Output {
			return c.at(&ChildError{Limit: "output", Text: fmt.Sprintf("the scan says more than %d MiB", l.Output>>20)})
		}
		if len(line)+len(part) > l.Line {
			return c.at(&ChildError{Limit: "output", Text: fmt.Sprintf("the scan says more than %d MiB of one commit", l.Line>>20)})
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && len(line) == 0 || errors.Is(err, os.ErrClosed):
			return nil // verdict says whether this was the end
		case err != nil:
			return nil // half a line: the child was ended
		}
		if err := c.take(line); err != nil {
			return err
		}
		line = line[:0]
	}
}

// take takes one line.
func (c *child) take(line []byte) error {
	var l childLine
	if err := json.Unmarshal(line, &l); err != nil {
		return c.at(&ChildError{Text: "the process that scans says what cannot be understood"})
	}
	switch {
	case c.end != nil:
		return c.at(&ChildError{Text: "the process that scans goes on after its end"})
	case l.Progress != nil:
		if c.options.Progress != nil {
			c.options.Progress(*l.Progress)
		}
	case l.End != nil:
		c.end = l.End
	case l.Result != nil:
		if c.results >= len(c.request.Commits) || l.Result.Commit != c.request.Commits[c.results].ID {
			return c.at(&ChildError{Text: "the process that scans answers about a commit that was not asked for"})
		}
		c.results++
		return c.each(*l.Result)
	}
	return nil
}

// firstWords keeps the beginning of what is written.
type firstWords struct {
	mu     sync.Mutex
	buffer bytes.Buffer
	left   int
}

// Write takes everything, and keeps what it may.
func (f *firstWords) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := min(len(p), f.left)
	f.buffer.Write(p[:n])
	f.left -= n
	return len(p), nil
}

// ChildOutput is the child's side of the pipe. It is safe for use by several goroutines.
type ChildOutput struct {
	mu    sync.Mutex
	w     *bufio.Writer
	sent  int
	ended bool
}

// NewChildOutput writes to the pipe to the server.
func NewChildOutput(w io.Writer) *ChildOutput {
	return &ChildOutput{w: bufio.NewWriterSize(w, 256<<10)}
}

// Result sends what the scan of a commit gave, and how far the child is of so many commits.
func (o *ChildOutput) Result(r *CommitResult, total int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.line(childLine{Result: r}); err != nil {
		return err
	}
	o.sent++
	return o.line(childLine{Progress: &Progress{o.sent, total}})
}

// End says that nothing more comes: all was done when why is empty. Limit is the limit that was reached, see ChildError. Only
// the first End counts.
func (o *ChildOutput) End(sandbox []string, limit, why string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.line(childLine{End: &childEnd{Commits: o.sent, Sandbox: sandbox, Limit: limit, Err: why}})
}

func (o *ChildOutput) line(l childLine) error {
	if o.ended {
		return nil
	}
	o.ended = l.End != nil
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write a result: %w", err)
	}
	o.w.Write(text)
	o.w.WriteByte('\n')
	return o.w.Flush()
}
