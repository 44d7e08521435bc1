package cli

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// completionCommand is a function because it lists the commands that list it.
func completionCommand() *command {
	return &command{
		name:    "completion",
		args:    "SHELL",
		summary: "Print a completion script for bash, zsh or fish",
		long:    "bash: source <(plumbline completion bash)\nzsh:  source <(plumbline completion zsh)\nfish: plumbline completion fish | source",
		run:     runCompletion,
	}
}

// flagsOf lists the flags of each command, so that the scripts cannot go stale.
func flagsOf(c *command) []string {
	var names []string
	newCall(Env{}, c).set.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
	slices.Sort(names)
	return names
}

// flagValue is a flag with a closed list of values.
type flagValue struct {
	flag  string
	words func() string
}

var flagValues = []flagValue{
	{"report", func() string { return strings.ReplaceAll(formatNames(), ",", "") }},
	{"threshold", func() string { return severityNames + " none" }},
	{"severity", func() string { return severityNames }},
	{"undecided", func() string { return "report hide fail" }},
	{"color", func() string { return "auto always never" }},
	{"tolerate", func() string { return strings.Join(problemKinds, " ") }},
}

const severityNames = "critical high medium low info"

// listRules prints the ids of the rules, in each of the shells.
const listRules = "plumbline rules 2>/dev/null | sed 1d | cut -d' ' -f1"

func runCompletion(_ context.Context, c *call) error {
	if len(c.args) != 1 {
		return usage("name a shell: bash, zsh or fish")
	}
	all := slices.DeleteFunc(commands(), func(c *command) bool { return c.hidden })
	names := make([]string, len(all))
	for i, cmd := range all {
		names[i] = cmd.name
	}
	switch c.args[0] {
	case "bash", "zsh":
		if c.args[0] == "zsh" {
			fmt.Fprintln(c.Out, "autoload -Uz bashcompinit && bashcompinit")
		}
		fmt.Fprintf(c.Out, "_plumbline() {\n\tlocal words=%q\n\tcase \"${COMP_WORDS[1]}\" in\n", strings.Join(names, " "))
		for _, cmd := range all {
			fmt.Fprintf(c.Out, "\t%s) [ \"$COMP_CWORD\" -gt 1 ] && words=%q ;;\n", cmd.name, strings.Join(flagsOf(cmd), " "))
		}
		fmt.Fprint(c.Out, "\tesac\n\tcase \"${COMP_WORDS[COMP_CWORD-1]}\" in\n")
		for _, v := range flagValues {
			fmt.Fprintf(c.Out, "\t--%s) words=%q ;;\n", v.flag, v.words())
		}
		fmt.Fprintf(c.Out, "\t--rule|explain) words=$(%s) ;;\n\tcompletion) words=\"bash zsh fish\" ;;\n", listRules)
		fmt.Fprint(c.Out, "\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _plumbline plumbline\n")
	case "fish":
		for _, cmd := range all {
			fmt.Fprintf(c.Out, "complete -c plumbline -n __fish_use_subcommand -a %s -d %q\n", cmd.name, cmd.summary)
			for _, f := range flagsOf(cmd) {
				name := strings.TrimPrefix(f, "--")
				values := ""
				if i := slices.IndexFunc(flagValues, func(v flagValue) bool { return v.flag == name && (name != "report" || cmd.name == "scan") }); i >= 0 {
					values = fmt.Sprintf(" -x -a %q", flagValues[i].words())
				} else if name == "rule" {
					values = fmt.Sprintf(" -x -a '(%s)'", strings.ReplaceAll(listRules, "'", `\'`))
				}
				fmt.Fprintf(c.Out, "complete -c plumbline -n '__fish_seen_subcommand_from %s' -l %s%s\n", cmd.name, name, values)
			}
		}
		fmt.Fprintf(c.Out, "complete -c plumbline -n '__fish_seen_subcommand_from explain' -x -a '(%s)'\n", strings.ReplaceAll(listRules, "'", `\'`))
		fmt.Fprint(c.Out, "complete -c plumbline -n '__fish_seen_subcommand_from completion' -x -a 'bash zsh fish'\n")
	default:
		return usage("there is no completion for %q: use bash, zsh or fish", c.args[0])
	}
	return nil
}
