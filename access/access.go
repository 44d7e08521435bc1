// Package access says who may do what: roles, permissions, and the scope in which somebody has them. It is a table and
// decides; who somebody is, and where objects lie, others know.
//
// Everything is denied that the table does not allow.
package access

import (
	"maps"
	"slices"
)

// Role is what somebody is in an organisation or in a team. Each can do what the one before it can.
type Role string

// The roles, from the weakest.
const (
	Viewer        Role = "viewer"        // reads
	Triager       Role = "triager"       // decides about findings
	Maintainer    Role = "maintainer"    // connects repositories, sets rules, scans
	Administrator Role = "administrator" // people, tokens, audit, settings of the organisation
)

// Roles lists the roles from the weakest.
var Roles = []Role{Viewer, Triager, Maintainer, Administrator}

// Permission is one kind of thing that can be done.
type Permission string

// The permissions.
const (
	FindingRead     Permission = "finding:read"     // findings, resources, graphs, metrics, compliance
	FindingExport   Permission = "finding:export"   // files of many findings
	FindingTriage   Permission = "finding:triage"   // mute, restore, assign, comment
	RepositoryRead  Permission = "repository:read"  // repositories, branches, commits, scans, jobs
	RepositoryScan  Permission = "repository:scan"  // start a scan, retry a job
	RepositoryWrite Permission = "repository:write" // connect, change, remove
	ReportUpload    Permission = "report:upload"    // results of scans elsewhere
	RuleRead        Permission = "rule:read"        // the catalogue and its settings
	RuleWrite       Permission = "rule:write"       // switch rules, change severities
	ViewWrite       Permission = "view:write"       // own saved views
	ChannelWrite    Permission = "channel:write"    // where teams are told of what happens; the organisation's own channels need SettingsWrite
	TeamRead        Permission = "team:read"        // names of teams and people, to assign and to filter
	PeopleWrite     Permission = "people:write"     // people, teams, roles, ownership
	TokenOwn        Permission = "token:own"        // tokens of one's own, never with more rights than one has
	TokenWrite      Permission = "token:write"      // tokens of others and of machines
	AuditRead       Permission = "audit:read"       // the audit log and its export
	SettingsWrite   Permission = "settings:write"   // of the organisation
	SystemRead      Permission = "system:read"      // queue, problems and versions of the server
	SelfWrite       Permission = "self:write"       // one's own ways to sign in and sessions
)

// needs is the weakest role that has a permission. A permission that is not here is nobody's.
var needs = map[Permission]Role{
	FindingRead: Viewer, FindingExport: Viewer, RepositoryRead: Viewer, RuleRead: Viewer, TeamRead: Viewer, ViewWrite: Viewer, TokenOwn: Viewer, SelfWrite: Viewer,
	FindingTriage:  Triager,
	RepositoryScan: Maintainer, RepositoryWrite: Maintainer, RuleWrite: Maintainer, ReportUpload: Maintainer, SystemRead: Maintainer, ChannelWrite: Maintainer,
	PeopleWrite: Administrator, TokenWrite: Administrator, AuditRead: Administrator, SettingsWrite: Administrator,
}

// Allows tells whether a role has a permission.
func (r Role) Allows(p Permission) bool {
	least, known := needs[p]
	return known && slices.Index(Roles, r) >= slices.Index(Roles, least)
}

// Subject is who asks: a person, a token or a machine that has proved who it is. The zero may do nothing.
type Subject struct {
	Kind         string         // person, token, forge
	ID           int64          // of the person or token
	Name         string         // for people and the audit log: an address of mail, the name of a token
	Organisation int64          // the one it works in
	Role         Role           // in all of the organisation; "" when it has one in teams only
	Teams        map[int64]Role // in teams
	Repository   int64          // of tokens that are bound to one; 0 otherwise
	Only         []Permission   // of tokens: no others; nil is no limit
}

// Scope is where somebody may do something. The zero is nowhere.
type Scope struct {
	Organisation int64
	All          bool    // everywhere in it
	Teams        []int64 // only what these teams own
	Repository   int64   // only this repository, if not 0
}

// Scope returns where the subject has a permission.
func (s Subject) Scope(p Permission) Scope {
	if s.Organisation == 0 || s.Only != nil && !slices.Contains(s.Only, p) {
		return Scope{}
	}
	out := Scope{Organisation: s.Organisation, Repository: s.Repository, All: s.Role.Allows(p)}
	for team, role := range s.Teams {
		if role.Allows(p) {
			out.Teams = append(out.Teams, team)
		}
	}
	slices.Sort(out.Teams)
	if !out.All && len(out.Teams) == 0 {
		return Scope{}
	}
	return out
}

// Whole tells whether the scope is all of the organisation: what belongs to no team or repository needs that.
func (s Scope) Whole() bool { return s.Organisation != 0 && s.All && s.Repository == 0 }

// Grantable tells whether a token can have a permission: nothing by which it could outlive or outgrow who made it.
func (p Permission) Grantable() bool {
	_, known := needs[p]
	return known && p != SelfWrite && p != TokenOwn && p != TokenWrite
}

// Bindable tells whether a permission means something in a single repository, which a token may be bound to.
func (p Permission) Bindable() bool {
	switch p {
	case FindingRead, FindingExport, FindingTriage, RepositoryRead, RepositoryScan, RepositoryWrite, ReportUpload, RuleRead:
		return true
	}
	return false
}

// Somewhere tells whether the scope is anywhere at all.
func (s Scope) Somewhere() bool { return s.Organisation != 0 && (s.All || len(s.Teams) > 0) }

// Permissions lists every permission, in the order of the alphabet.
func Permissions() []Permission { return slices.Sorted(maps.Keys(needs)) }
