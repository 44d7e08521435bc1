package chart

import (
	"fmt"
	"maps"
	"strings"

	"sigs.k8s.io/yaml"
)

// Values are the values of a chart, as templates see them.
type Values map[string]any

// global is the key under which values reach every sub-chart.
const global = "global"

// ReadValues reads a file of values.
func ReadValues(text []byte) (Values, error) {
	v := Values{}
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("the values cannot be read: %s", firstLine(err))
	}
	return v, nil
}

// Lay lays values over others: what both have is taken from the first, tables are joined. Neither is changed.
func (v Values) Lay(under Values) Values {
	out := copied(map[string]any(under)).(map[string]any)
	over(out, v)
	return out
}

// over writes src over dst, as Helm joins several files of values: a null stays, to switch a default off later.
func over(dst, src map[string]any) {
	for k, s := range src {
		if table, ok := s.(map[string]any); ok {
			if have, ok := dst[k].(map[string]any); ok {
				over(have, table)
				continue
			}
		}
		dst[k] = copied(s)
	}
}

// YAML, AsMap, Table and PathValue can be called in templates, as Helm's values have them.

// YAML writes the values.
func (v Values) YAML() (string, error) {
	b, err := yaml.Marshal(v)
	return string(b), err
}

// AsMap returns the values as a map.
func (v Values) AsMap() map[string]any {
	if len(v) == 0 {
		return map[string]any{}
	}
	return v
}

// Table returns the table that a path in dots leads to.
func (v Values) Table(name string) (Values, error) {
	for part := range strings.SplitSeq(name, ".") {
		switch next := v[part].(type) {
		case map[string]any:
			v = next
		case Values:
			v = next
		default:
			return Values{}, fmt.Errorf("%q is not a table", part)
		}
	}
	return v, nil
}

// PathValue returns the value that a path in dots leads to, when it is not a table.
func (v Values) PathValue(path string) (any, error) {
	name := path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		t, err := v.Table(path[:i])
		if err != nil {
			return nil, fmt.Errorf("%q is not a value", path[i+1:])
		}
		v, name = t, path[i+1:]
	}
	found, ok := v[name]
	if _, table := found.(map[string]any); !ok || table {
		return nil, fmt.Errorf("%q is not a value", name)
	}
	return found, nil
}

// copied copies tables and lists at every depth.
func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = copied(e)
		}
		return out
	case Values:
		return copied(map[string]any(v))
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copied(e)
		}
		return out
	}
	return v
}

// Coalesce lays values over those of the chart and of all that it depends on. Where keep is set, a null that switches a default
// off stays there.
func (c *Chart) coalesce(given map[string]any, keep bool) (Values, error) {
	v, _ := copied(given).(map[string]any)
	if v == nil {
		v = map[string]any{}
	}
	return v, c.coalesceInto(v, keep)
}

func (c *Chart) coalesceInto(dst map[string]any, keep bool) error {
	c.coalesceOwn(dst, keep)
	for _, d := range c.Dependencies {
		have, ok := dst[d.Name()]
		if !ok {
			have = map[string]any{}
			dst[d.Name()] = have
		}
		table, ok := have.(map[string]any)
		if !ok {
			return fmt.Errorf("the values of %s are no table", d.Name())
		}
		coalesceGlobals(table, dst)
		if err := d.coalesceInto(table, keep); err != nil {
			return err
		}
	}
	return nil
}

// coalesceOwn lays dst over the values of the chart itself.
func (c *Chart) coalesceOwn(dst map[string]any, keep bool) {
	own, _ := copied(c.Values).(map[string]any)
	for k, val := range own {
		have, ok := dst[k]
		if !ok {
			dst[k] = val
			continue
		}
		if have == nil && !keep {
			delete(dst, k)
			continue
		}
		table, ok := have.(map[string]any)
		if !ok {
			continue
		}
		if under, ok := val.(map[string]any); ok {
			coalesceTables(table, under, keep || c.hasDependency(k))
		}
	}
}

func (c *Chart) hasDependency(name string) bool {
	for _, d := range c.Dependencies {
		if d.Name() == name {
			return true
		}
	}
	return false
}

// coalesceGlobals hands the global values of a chart down to one that it depends on. Tables win over what is there.
func coalesceGlobals(dst, src map[string]any) {
	down, ok := table(dst, global)
	if !ok {
		return
	}
	from, ok := table(src, global)
	if !ok {
		return
	}
	for k, val := range from {
		if t, ok := val.(map[string]any); ok {
			t = maps.Clone(t)
			switch have := down[k].(type) {
			case nil:
				if _, null := down[k]; !null {
					down[k] = t
				}
			case map[string]any:
				coalesceTables(t, have, true)
				down[k] = t
			}
		} else if _, isTable := down[k].(map[string]any); !isTable {
			down[k] = val
		}
	}
	dst[global] = down
}

// table returns a table of another one, a new one when there is none; not ok when something else is there.
func table(of map[string]any, key string) (map[string]any, bool) {
	v, there := of[key]
	if !there {
		return map[string]any{}, true
	}
	t, ok := v.(map[string]any)
	return t, ok
}

// coalesceTables lays dst over src, and changes both. A null in dst takes away what src has there, unless keep is set.
func coalesceTables(dst, src map[string]any, keep bool) {
	set := map[string]bool{} // what src has, other than null
	for k, v := range src {
		if v != nil {
			set[k] = true
		}
	}
	for k, v := range dst {
		if v == nil {
			src[k] = nil
		}
	}
	for k, v := range src {
		have, ok := dst[k]
		switch {
		case ok && !keep && have == nil && set[k]:
			delete(dst, k)
		case !ok:
			dst[k] = v
		default:
			under, isTable := v.(map[string]any)
			over, haveTable := have.(map[string]any)
			if isTable && haveTable {
				coalesceTables(over, under, keep)
			}
		}
	}
}
