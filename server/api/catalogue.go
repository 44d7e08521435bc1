package api

import (
	"strings"
	"sync"

	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/schema"
)

// catalogue is what the server knows about rules: the pages that the program carries. It is read when it is first asked for (some
// 40 ms), so that starting costs nothing; nothing in it is compiled. The zero is ready for use.
type catalogue struct {
	once  sync.Once
	rules *rule.Catalogue
	all   []*rule.Rule            // by id
	serve map[string][]*rule.Rule // by framework/control
	err   error
}

// load reads the pages. An error is a build that lost them.
func (c *catalogue) load() ([]*rule.Rule, error) {
	c.once.Do(func() {
		c.rules = rule.NewCatalogue(schema.Load())
		if c.err = c.rules.AddPrepared(rules.Pages(), rules.Prepared()); c.err == nil {
			c.all = c.rules.All()
			c.serve = make(map[string][]*rule.Rule)
			for _, r := range c.all {
				for framework, controls := range r.Controls {
					for _, id := range controls {
						c.serve[framework+"/"+id] = append(c.serve[framework+"/"+id], r)
					}
				}
			}
		}
	})
	return c.all, c.err
}

// rule finds a rule by its id or by an alias of another scanner; nil when there is none.
func (c *catalogue) rule(id string) (*rule.Rule, error) {
	if _, err := c.load(); err != nil {
		return nil, err
	}
	return c.rules.Rule(id), nil
}

// providerOf is the folder that a page stands in: aws, kubernetes, pipelines.
func providerOf(r *rule.Rule) string {
	folder, _, _ := strings.Cut(r.Path, "/")
	return folder
}
