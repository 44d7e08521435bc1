// Package shell reads scripts of the shell: which commands they run, with which words, and where each stands. Dockerfiles,
// pipelines and manifests hold such scripts; rules ask about the commands, never about the text.
//
// It runs nothing and knows no dialect.
package shell

// Command is one simple command of a script, also one inside of a condition, a loop, a function, a subshell or $(…), or behind
// sh -c, eval, xargs and find -exec where what they run is literal.
type Command struct {
	Name      string   // the last part of the program's path: curl for /usr/bin/curl; what stands behind sudo, env, exec, time, nice and the like; empty when it is not known
	Words     []Word   // all words, the program's included, quotes taken away; sudo and the like left out
	Wrappers  []string // sudo, env, … in order, where they were left out; xargs and find for what they run
	Assigns   []Assign // NAME=value before the program or alone, and of export, declare and readonly
	Into      []string // names of the commands that its output is piped to, in order
	From      []string // names of the commands whose output is piped to it, nearest last; also those of $(…) among its words and of <(…)
	Redirects []Redirect
	Start     int // bytes of the script, its wrappers and redirections included
	End       int
}

// Word is one word of a command.
type Word struct {
	Text       string   // with what is not known left out
	Prefix     string   // of one that is not wholly known: what it begins with for certain
	Suffix     string   // the same of its end
	Known      bool     // the whole word is literal
	Variables  []string // names of the variables that it expands, in order; without $
	Unquoted   bool     // one of them stands outside of quotes
	Start, End int
}

// Assign is one assignment.
type Assign struct {
	Name  string
	Value Word
}

// Redirect is one redirection.
type Redirect struct {
	Op     string // >, >>, <, 2>, &>, <<<, …
	Target Word   // of << the delimiter
}

// Script is a script that was read.
type Script struct {
	Text     string    // as it was given
	Commands []Command // in the order in which they stand
	Pipefail bool      // set -o pipefail stands before the first pipe
	Broken   bool      // it could not be read to its end: Commands are what was read by words alone, line by line, or the first of very many
}

// Budgets of a script. One that is larger is read by words.
const (
	maxBytes    = 256 << 10 // of a script; what stands behind is not read at all
	maxCommands = 10_000    // that are told of
	maxNesting  = 20_000    // brackets, compound commands and operators that can nest, in all
	maxRun      = 2_000     // signs one after another: - - - 1
	maxDepth    = 4         // of scripts in scripts: sh -c "sh -c …"
	maxNames    = 16        // told of one pipe or word
)

// Read reads a script of bash or of a POSIX shell. It takes time linear in the text. A script that breaks the rules of the
// language, or whose nesting no person writes, is Broken.
func Read(text string) Script {
	return read(text, 0)
}

func read(text string, depth int) Script {
	if len(text) > maxBytes || tooDeep(text) {
		return Words(text)
	}
	s, ok := parse(text, depth)
	if !ok {
		return Words(text)
	}
	if len(s.Commands) > maxCommands {
		s.Commands, s.Broken = s.Commands[:maxCommands], true
	}
	return s
}

// tooDeep counts what a recursive parser could follow. It counts all of it, not how deep it stands: quotes and comments make
// a count of depth go wrong, and nobody writes a script with so much of it.
func tooDeep(text string) bool {
	nesting, run, word := 0, 0, 0 // word is where the present word of letters began
	for i := 0; i <= len(text); i++ {
		var c byte
		if i < len(text) {
			c = text[i]
		}
		if 'a' <= c && c <= 'z' {
			run = 0
			continue
		}
		switch text[word:i] {
		case "if", "for", "while", "until", "select", "case", "function":
			nesting++
		}
		word = i + 1
		switch c {
		case '(', '{', '[', '`', '!', '?', '~':
			nesting++
		case '-', '+':
			run++
		case ' ', '\t', '\n':
		default:
			run = 0
		}
		if nesting > maxNesting || run > maxRun {
			return true
		}
	}
	return false
}
