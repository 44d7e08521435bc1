// Package cli is the command line: one file per subcommand, streams and arguments in, exit code out.
//
// It is the edge of the program. Errors from below are printed here, once; nothing below prints or exits.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/scan"
)

// The exit codes.
const (
	Clean      = 0 // nothing at or above the threshold
	Found      = 1 // findings at or above the threshold
	Usage      = 2 // the command line or the settings are wrong
	Incomplete = 3 // part of the input could not be read, whatever was found in the rest
	Failure    = 4 // the program could not do its work
)

// Env is what a command may see and use of the process.
type Env struct {
	In       io.Reader
	Out      io.Writer
	Err      io.Writer
	Dir      string // working directory, absolute
	Lookup   func(name string) (string, bool)
	Now      time.Time
	Width    int // columns of the terminal behind Out; 0 when it is none
	ErrWidth int // the same of Err
}

// Process is the environment of the running process.
func Process() Env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	return Env{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Dir: dir, Lookup: os.LookupEnv, Now: time.Now(),
		Width: width(os.Stdout), ErrWidth: width(os.Stderr)}
}

func width(f *os.File) int {
	if w, _, err := term.GetSize(int(f.Fd())); err == nil {
		return max(w, 1)
	}
	return 0
}

// command is one subcommand.
type command struct {
	name    string
	args    string // what follows the flags, for the usage line
	summary string // one line for the list
	long    string // what the help says before the flags
	run     func(ctx context.Context, c *call) error
	flags   func(c *call) // declares the flags on c.set
	hidden  bool          // not in the help and the documents: for the program itself and for building it
}

// commands lists the subcommands in the order of the help.
func commands() []*command {
	return []*command{
		scanCommand, fixCommand, explainCommand, rulesCommand, inventoryCommand, baselineCommand,
		initCommand, newCommand, testCommand, serveCommand, workerCommand, adminLinkCommand, auditCommand, backupCommand, restoreCommand, completionCommand(), versionCommand, openAPICommand,
	}
}

// call is one invocation of a command.
type call struct {
	Env
	command *command
	set     *flag.FlagSet
	args    []string // positional arguments
}

// failed ends a command with an exit code; the text, when there is one, is printed.
type failed struct {
	code int
	text string
	hint string // what to do, on a line of its own
}

func (f *failed) Error() string { return f.text }

func usage(format string, args ...any) error {
	return &failed{code: Usage, text: fmt.Sprintf(format, args...)}
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string, env Env) int {
	if len(args) == 0 {
		printHelp(env.Err)
		return Usage
	}
	name := args[0]
	switch name {
	case "help", "-h", "--help":
		if len(args) > 1 {
			name, args = args[1], []string{args[1], "--help"}
			break
		}
		printHelp(env.Out)
		return Clean
	case "-v", "--version":
		name = "version"
	}
	all := append(commands(), childCommand)
	i := slices.IndexFunc(all, func(c *command) bool { return c.name == name })
	if i < 0 {
		var names []string
		for _, c := range commands() { // those in the help
			names = append(names, c.name)
		}
		return ended(env, nil, &failed{Usage, fmt.Sprintf("there is no command %q", name), didYouMean(config.Nearest(name, names))})
	}
	c := newCall(env, all[i])
	if err := c.parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			c.printHelp(env.Out)
			return Clean
		}
		return ended(env, c.command, c.mistake(err))
	}
	return ended(env, c.command, c.command.run(ctx, c))
}

// newCall declares the flags of a command.
func newCall(env Env, cmd *command) *call {
	c := &call{Env: env, command: cmd, set: flag.NewFlagSet(cmd.name, flag.ContinueOnError)}
	c.set.SetOutput(io.Discard)
	if cmd.flags != nil {
		cmd.flags(c)
	}
	return c
}

// mistake says what is wrong with the flags, in the spelling of the help.
func (c *call) mistake(err error) error {
	hint := "plumbline help " + c.command.name + " lists the flags"
	if name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown {
		var all []string
		c.set.VisitAll(func(f *flag.Flag) { all = append(all, f.Name) })
		if near := config.Nearest(name, all); near != "" {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
		return &failed{Usage, fmt.Sprintf("--%s: there is no such flag", name), hint}
	}
	text := strings.Replace(err.Error(), "for flag -", "for --", 1)
	if name, missing := strings.CutPrefix(text, "flag needs an argument: -"); missing {
		text = fmt.Sprintf("--%s needs a value", name)
	}
	return &failed{Usage, text, hint}
}

// swallowed reports a flag that stands where the value of another is due: --diff --report json.
func (c *call) swallowed(args []string) error {
	flagOf := func(arg string) *flag.Flag {
		name, long := strings.CutPrefix(arg, "--")
		name, _, _ = strings.Cut(name, "=")
		if !long {
			return nil
		}
		return c.set.Lookup(name)
	}
	for i := 0; i+1 < len(args) && args[i] != "--"; i++ {
		f := flagOf(args[i])
		if f == nil || strings.Contains(args[i], "=") {
			continue
		}
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			continue
		}
		if next := flagOf(args[i+1]); next != nil {
			return fmt.Errorf("--%s needs a value, and --%s follows", f.Name, next.Name)
		}
		i++
	}
	return nil
}

// parse reads flags and arguments in any order.
func (c *call) parse(args []string) error {
	if err := c.swallowed(args); err != nil {
		return err
	}
	for {
		if err := c.set.Parse(args); err != nil {
			return err
		}
		rest := c.set.Args()
		if len(rest) == 0 {
			return nil
		}
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			c.args = append(c.args, rest...)
			return nil
		}
		c.args, args = append(c.args, rest[0]), rest[1:]
	}
}

// ended prints an error and returns the exit code for it.
func ended(env Env, c *command, err error) int {
	if err == nil {
		return Clean
	}
	f, ok := errors.AsType[*failed](err)
	if mistakes, is := errors.AsType[config.Errors](err); is {
		f = &failed{code: Usage, text: "the settings are wrong\n" + mistakes.Error()}
	} else if undeclared, is := errors.AsType[*scan.UndeclaredError](err); is {
		f = &failed{Usage, "--var: " + undeclared.Error(), didYouMean(undeclared.Near)}
	} else if !ok {
		f = &failed{code: Failure, text: err.Error()}
	}
	if f.text != "" {
		name := "plumbline"
		if c != nil {
			name += " " + c.name
		}
		fmt.Fprintf(env.Err, "%s: %s\n", name, f.text)
		if f.hint != "" {
			fmt.Fprintf(env.Err, "  %s\n", f.hint)
		}
	}
	return f.code
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, "Plumbline finds what is insecure in infrastructure code, explains it and offers proved fixes.\n\nUsage: plumbline COMMAND [FLAGS] [ARGUMENTS]\n\n")
	for _, c := range commands() {
		if !c.hidden {
			fmt.Fprintf(w, "  %-11s %s\n", c.name, c.summary)
		}
	}
	fmt.Fprint(w, "\nplumbline help COMMAND tells more.\n")
}

func (c *call) printHelp(w io.Writer) {
	fmt.Fprintf(w, "%s\n\nUsage: plumbline %s", c.command.summary, c.command.name)
	flags := 0
	c.set.VisitAll(func(*flag.Flag) { flags++ })
	if flags > 0 {
		fmt.Fprint(w, " [FLAGS]")
	}
	if c.command.args != "" {
		fmt.Fprint(w, " "+c.command.args)
	}
	fmt.Fprint(w, "\n")
	if c.command.long != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.command.long))
	}
	if flags > 0 {
		fmt.Fprint(w, "\nFlags:\n")
	}
	c.set.VisitAll(func(f *flag.Flag) {
		name, text := flag.UnquoteUsage(f)
		head := "--" + f.Name
		if name != "" {
			head += " " + name
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  %-24s %s\n", head, text)
	})
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

// Set adds one value.
func (l *list) Set(s string) error {
	*l = append(*l, s)
	return nil
}

// names is a flag that may be given several times, and with several names at once.
type names []string

func (n *names) String() string { return strings.Join(*n, ",") }

// Set adds the names between the commas.
func (n *names) Set(s string) error {
	for name := range strings.SplitSeq(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			*n = append(*n, name)
		}
	}
	return nil
}
