package rule

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
)

// Catalogue is a set of pages, parsed and compiled when they are asked for: a thousand pages cost a millisecond, and the
// rules for the resource types that are there cost theirs. It may be used by several goroutines.
type Catalogue struct {
	set   *schema.Set
	pages []*entry
	byID  map[string]*entry
	exact map[string][]*entry // by type
	globs []*entry            // those with a * among their types

	mu       sync.Mutex
	compiler *Compiler
	programs map[string][]*Program
	aliases  map[string]*entry // by folded name; nil until every page was parsed
	problems []PageProblem
}

// entry is a page of the catalogue.
type entry struct {
	path string
	tree fs.FS  // that has the page
	text []byte // nil until it is needed
	id   string
	on   []string
	rule *Rule // nil until it was parsed

	checked  bool          // its expressions need no type check
	prepared *preparedPage // nil when the page must be read from its text
}

// PageProblem is a mistake in one of the pages.
type PageProblem struct {
	Path string
	Problem
}

// Load finds the pages (*.md, but not README.md) in the trees, at any depth. The pages of all trees make one catalogue.
// An unreadable tree is an error; mistakes in pages are Problems.
func Load(set *schema.Set, trees ...fs.FS) (*Catalogue, error) {
	c := NewCatalogue(set)
	for _, tree := range trees {
		if err := c.Add(tree); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// NewCatalogue makes a catalogue without pages.
func NewCatalogue(set *schema.Set) *Catalogue {
	return &Catalogue{
		set:      set,
		byID:     make(map[string]*entry),
		exact:    make(map[string][]*entry),
		programs: make(map[string][]*Program),
	}
}

// Add adds the pages of a tree, as Load does.
func (c *Catalogue) Add(tree fs.FS) error {
	err := walkPages(tree, func(path string) error {
		text, err := fs.ReadFile(tree, path)
		if err == nil {
			c.add(&entry{path: path, text: text})
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

// AddPrepared adds the pages of a tree that the program carries, with what Prepare made of them or of an earlier state of
// them. A test has found no mistake in these pages: they are compiled without a type check, and those that were prepared
// without parsing either.
func (c *Catalogue) AddPrepared(tree fs.FS, prepared string) error {
	pages, err := readPrepared(prepared)
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	beginning := make([]byte, 1024) // the id and the types come early
	err = walkPages(tree, func(path string) error {
		f, err := tree.Open(path)
		if err != nil {
			return err
		}
		n, err := io.ReadFull(f, beginning)
		f.Close()
		e := &entry{path: path, tree: tree, checked: true, prepared: pages[path]}
		var ok bool
		if e.on, e.id, ok = Head(beginning[:n]); !ok || err != nil && err != io.ErrUnexpectedEOF {
			if e.text, err = fs.ReadFile(tree, path); err != nil {
				return err
			}
		}
		c.add(e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	return nil
}

// walkPages visits the pages of a tree.
func walkPages(tree fs.FS, visit func(path string) error) error {
	return fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".md") || strings.EqualFold(d.Name(), "README.md") {
			return err
		}
		return visit(path)
	})
}

func (c *Catalogue) add(e *entry) {
	if e.text != nil { // else its head was read
		var ok bool
		if e.on, e.id, ok = Head(e.text); !ok {
			c.parse(e)
			e.on, e.id = e.rule.On, e.rule.ID
		}
	}
	if other := c.byID[e.id]; other != nil && e.id != "" {
		c.problem(e, 0, "the id %s is already that of %s", e.id, other.path)
		return
	}
	c.pages = append(c.pages, e)
	c.byID[e.id] = e
	glob := false
	for _, typ := range e.on {
		if strings.HasSuffix(typ, "*") {
			glob = true
		} else if !slices.Contains(c.exact[typ], e) {
			c.exact[typ] = append(c.exact[typ], e)
		}
	}
	if glob {
		c.globs = append(c.globs, e)
	}
}

func (c *Catalogue) problem(e *entry, line int, format string, args ...any) {
	c.problems = append(c.problems, PageProblem{Path: e.path, Problem: Problem{Line: line, Message: fmt.Sprintf(format, args...)}})
}

func (c *Catalogue) parse(e *entry) *Rule {
	if e.text == nil && e.tree != nil {
		text, err := fs.ReadFile(e.tree, e.path)
		if err != nil {
			c.problem(e, 0, "the page cannot be read: %v", err)
		}
		e.text, e.tree = text, nil
	}
	if e.rule == nil && e.prepared != nil {
		if e.prepared.of(e.text) && e.prepared.open(e.path, string(e.text)) == nil {
			e.rule = e.prepared.rule
			return e.rule
		}
		e.prepared = nil // the page has changed since
	}
	if e.rule == nil {
		r, problems := Parse(e.path, e.text)
		for _, p := range problems {
			c.problems = append(c.problems, PageProblem{Path: e.path, Problem: p})
		}
		e.rule = r
	}
	return e.rule
}

// For returns the programs of a resource type, in order of rule id. Rules that do not compile are left out: their
// mistakes are among the Problems.
func (c *Catalogue) For(typ string) []*Program {
	c.mu.Lock()
	defer c.mu.Unlock()
	if programs, ok := c.programs[typ]; ok {
		return programs
	}
	if c.compiler == nil {
		c.compiler = NewCompiler(c.set)
	}
	var programs []*Program
	compile := func(e *entry, on string) {
		r := c.parse(e)
		if r.Require == "" {
			return // reported by Parse
		}
		p, problems := c.compile(e, on)
		for _, m := range problems {
			c.problems = append(c.problems, PageProblem{Path: e.path, Problem: m})
		}
		if len(problems) == 0 {
			programs = append(programs, p)
		}
	}
	for _, e := range c.exact[typ] {
		compile(e, typ)
	}
	for _, e := range c.globs {
		if slices.Contains(c.exact[typ], e) {
			continue
		}
		if i := slices.IndexFunc(e.on, func(on string) bool { return matchesType(on, typ) }); i >= 0 {
			compile(e, e.on[i])
		}
	}
	slices.SortFunc(programs, func(a, b *Program) int { return strings.Compare(a.Rule.ID, b.Rule.ID) })
	if len(c.exact[typ]) > 0 || len(programs) > 0 { // else types from input would be remembered without end
		c.programs[typ] = programs
	}
	return programs
}

// compile compiles the rule of an entry for one of its types.
func (c *Catalogue) compile(e *entry, on string) (*Program, []Problem) {
	if e.prepared != nil && e.checked {
		if parsed, err := e.prepared.syntax(on); err == nil {
			if p, problems := c.compiler.compile(e.rule, on, parsed); problems == nil {
				return p, nil
			} // else from the text, which tells the places of mistakes
		}
	}
	c.compiler.Trusting = e.checked
	return c.compiler.Compile(e.rule, on)
}

func matchesType(on, typ string) bool {
	prefix, glob := strings.CutSuffix(on, "*")
	return glob && strings.HasPrefix(typ, prefix)
}

// fold brings the spellings of a name together, as settings do: case does not matter, nor does the AVD- that Trivy once put
// before its ids.
func fold(name string) string { return strings.TrimPrefix(strings.ToLower(name), "avd-") }

// Rule returns the rule of that id or alias in any spelling, or nil. Ids go before aliases.
func (c *Catalogue) Rule(id string) *Rule {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[id]; e != nil && id != "" {
		return c.parse(e)
	}
	id = fold(id)
	if e := c.byID[id]; e != nil && id != "" {
		return c.parse(e)
	}
	c.parseAll()
	if e := c.aliases[id]; e != nil {
		return e.rule
	}
	return nil
}

// FixFor returns what a rule wishes for a resource of a type. Types have their attributes in different places: a wish about one that the
// type lacks, and that another type of the rule has, is for that type.
func (c *Catalogue) FixFor(r *Rule, typ string) []resource.Change {
	has := func(typ string, change resource.Change) bool {
		known := c.set.Resource(typ)
		return known != nil && known.Attribute(change.Path[0].Name) != nil
	}
	return slices.DeleteFunc(slices.Clone(r.Fix), func(change resource.Change) bool {
		return change.Op != resource.Create && !has(typ, change) &&
			slices.ContainsFunc(r.On, func(other string) bool { return other != typ && has(other, change) })
	})
}

// All returns every rule in order of id.
func (c *Catalogue) All() []*Rule {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parseAll()
	rules := make([]*Rule, 0, len(c.pages))
	for _, e := range c.pages {
		rules = append(rules, e.rule)
	}
	slices.SortFunc(rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

// parseAll parses every page and joins the aliases.
func (c *Catalogue) parseAll() {
	if c.aliases != nil {
		return
	}
	c.aliases = make(map[string]*entry)
	for _, e := range c.pages {
		for _, alias := range c.parse(e).Aliases {
			switch other := c.aliases[fold(alias)]; {
			case c.byID[alias] != nil && c.byID[alias] != e:
				c.problem(e, 0, "the alias %s is the id of %s", alias, c.byID[alias].path)
			case other == nil: // else another scanner checks at once what we tell apart: its id stands for the first of the rules
				c.aliases[fold(alias)] = e
			}
		}
	}
}

// Problems returns the mistakes found so far, in the pages that were read. Check finds all.
func (c *Catalogue) Problems() []PageProblem {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(c.problems)
	slices.SortStableFunc(out, func(a, b PageProblem) int {
		if a.Path != b.Path {
			return strings.Compare(a.Path, b.Path)
		}
		return a.Line - b.Line
	})
	return slices.CompactFunc(out, func(a, b PageProblem) bool { return a == b })
}

// Check parses, type-checks and compiles every rule for every type it is on, and returns all mistakes.
func (c *Catalogue) Check() []PageProblem {
	c.mu.Lock()
	for _, e := range c.pages {
		e.checked = false
	}
	clear(c.programs)
	c.mu.Unlock()
	for _, r := range c.All() {
		for _, typ := range r.On {
			c.For(typ)
		}
	}
	return c.Problems()
}
