// Package shell reads scripts of the shell: which commands they run, with which words, and where each stands. Dockerfiles,
// pipelines and manifests hold such scripts; rules ask about the commands, never about the text.
//
// It runs nothing and knows no dialect.
package shell

import "plumbline.dev/plumbline/value"

// Command is one simple command of a script, also one inside of a condition, a loop, a function, a subshell or $(…), or behind
// sh -c and eval where what they run is literal.
type Command struct {
	Name      string   // the last part of the program's path: curl for /usr/bin/curl; what stands behind sudo, env, exec, time, nice and the like; empty when it is not known
	Words     []Word   // all words, the program's included, quotes taken away; sudo and the like left out
	Wrappers  []string // sudo, env, … in order, where they were left out
	Assigns   []Assign // NAME=value before the program or alone, and of export, declare and readonly
	Into      []string // names of the commands that its output is piped to, in order
	From      []string // names of the commands whose output is piped to it, nearest last; also those of $(…) among its words and of <(…)
	Redirects []Redirect
	Start     int // bytes of the script
	End       int
}

// Word is one word of a command.
type Word struct {
	Text       string   // with what is not known left out
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
	Target Word
}

// Script is a script that was read.
type Script struct {
	Commands []Command // in the order in which they stand
	Pipefail bool      // set -o pipefail stands before the first pipe
	Broken   bool      // it could not be read to its end: Commands are what was read by words alone, line by line
}

// Value returns the script's commands as rules see them: a List of Objects with name, words, text, into, from, assigns and
// redirects, see schema/generate/ci.json. Place says where bytes of the script stand in the file; a word that is not wholly
// known is Unknown with its known beginning.
var _ value.Value
