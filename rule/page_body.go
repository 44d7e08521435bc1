package rule

import (
	"strings"
)

// body reads the Markdown below the front matter. Line is the number of its first line in the page.
func (p *page) body(lines []string, line int) {
	var (
		why     []string
		section Section
		seen    = map[Section]bool{}
	)
	for i := 0; i < len(lines); i++ {
		text, at := lines[i], line+i
		if mark, info, ok := openFence(text); ok {
			var content []string
			open := true
			for i++; i < len(lines); i++ {
				if open = !closesFence(lines[i], mark); !open {
					break
				}
				content = append(content, lines[i])
			}
			if open {
				p.problem(at, "the code block is not closed")
			}
			switch {
			case section != "":
				p.example(section, info, File{Text: strings.Join(append(content, ""), "\n"), Line: at + 1})
			case p.rule.Title != "":
				why = append(why, text)
				why = append(why, content...)
				why = append(why, strings.TrimSpace(mark))
			}
			continue
		}
		switch {
		case strings.HasPrefix(text, "# "):
			if p.rule.Title != "" {
				p.problem(at, "the page has a second title")
			}
			p.rule.Title = strings.TrimSpace(text[2:])
		case strings.HasPrefix(text, "## "):
			name := Section(strings.TrimSpace(text[3:]))
			switch name {
			case Flagged, Fixed, NotFlagged, Undecided:
				if seen[name] {
					p.problem(at, "the section %s is there twice", name)
				}
				seen[name] = true
				section = name
			default:
				p.problem(at, "unknown section %q%s", name,
					suggest(string(name), []string{string(Flagged), string(Fixed), string(NotFlagged), string(Undecided)}))
				section = "?"
			}
		case section == "" && p.rule.Title != "":
			why = append(why, text)
		case section == "" && strings.TrimSpace(text) != "":
			p.problem(at, "text before the title")
		}
	}
	p.rule.Why = strings.TrimSpace(strings.Join(why, "\n"))
}

// example adds a fenced block. Named blocks that follow each other make one example, until a name comes again.
func (p *page) example(section Section, info string, f File) {
	words := strings.Fields(info)
	if len(words) == 0 || len(words) > 2 {
		p.problem(f.Line-1, "a code block must say its dialect and may name its file: ```terraform main.tf")
		return
	}
	if len(words) == 2 {
		f.Name = words[1]
	}
	examples := p.rule.Examples
	if n := len(examples); n > 0 && f.Name != "" && examples[n-1].joins(section, words[0], f.Name) {
		examples[n-1].Files = append(examples[n-1].Files, f)
		return
	}
	p.rule.Examples = append(examples, Example{Section: section, Dialect: words[0], Files: []File{f}})
}

func (e Example) joins(section Section, dialect, name string) bool {
	if e.Section != section || e.Dialect != dialect {
		return false
	}
	for _, f := range e.Files {
		if f.Name == "" || f.Name == name {
			return false
		}
	}
	return true
}

// openFence recognises the line that opens a code block; mark is its run of backticks or tildes.
func openFence(line string) (mark, info string, ok bool) {
	text := strings.TrimLeft(line, " ")
	if len(line)-len(text) > 3 || text == "" || text[0] != '`' && text[0] != '~' {
		return "", "", false
	}
	info = strings.TrimLeft(text, text[:1])
	mark = text[:len(text)-len(info)]
	if len(mark) < 3 || mark[0] == '`' && strings.Contains(info, "`") {
		return "", "", false
	}
	return mark, strings.TrimSpace(info), true
}

func closesFence(line, mark string) bool {
	text := strings.TrimSpace(line)
	return len(text) >= len(mark) && strings.Trim(text, mark[:1]) == ""
}
