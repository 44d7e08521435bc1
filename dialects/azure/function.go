package azure

import (
	"errors"
	"fmt"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/value"
)

// functions are the template functions that need nothing but their arguments. They are those of JSON templates and of Bicep,
// and know the syntax of neither. See symbol.go for what unknown arguments become.
//
// What a function does: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
type functions struct {
	limits dialect.Limits // ValueBytes and Instances, both set
}

// function is one of them.
type function struct {
	least, most int  // arguments; most < 0: any number
	lax         bool // it looks at unknown and null arguments itself; otherwise one unknown makes the result unknown
	call        func(f functions, args []value.Value) (value.Value, error)
}

// lambda is a function that is passed to a function.
type lambda func(args ...value.Value) value.Value

var (
	errText   = errors.New("wants a text")
	errNumber = errors.New("wants a whole number")
	errList   = errors.New("wants a list")
	errObject = errors.New("wants an object")
)

// known reports whether there is a function of that name, whatever the case, that call can call.
func (functions) known(name string) bool {
	_, ok := table[strings.ToLower(name)]
	return ok
}

// call calls a function by its name, whatever the case. What cannot be known is a symbol of the call, and so equal to the
// same call elsewhere. An error says, for people, what is wrong with the call: Azure would refuse the template.
func (f functions) call(name string, args []value.Value) (value.Value, error) {
	fn, ok := table[strings.ToLower(name)]
	if !ok {
		return value.Value{Kind: value.Unknown}, fmt.Errorf("there is no function %s", name)
	}
	if len(args) < fn.least || fn.most >= 0 && len(args) > fn.most {
		return value.Value{Kind: value.Unknown}, fmt.Errorf("%s takes %s, and has %d", name, arity(fn.least, fn.most), len(args))
	}
	if !fn.lax {
		for i := range args {
			if args[i].Kind == value.Unknown {
				return symbol(name, "", args...), nil
			}
		}
	}
	v, err := fn.call(f, args)
	if err != nil {
		return symbol(name, "", args...), fmt.Errorf("%s %w", name, err)
	}
	if len(v.Text) > f.limits.ValueBytes {
		return value.Value{Kind: value.Unknown}, fmt.Errorf("%s makes a text of more than %d KiB", name, f.limits.ValueBytes>>10)
	}
	for i := range args {
		v.Given = v.Given || args[i].Given && (v.Kind == value.String || v.Kind == value.Unknown)
		v.Sensitive = v.Sensitive || args[i].Sensitive && v.Kind != value.Bool && v.Kind != value.Number
	}
	return v, nil
}

func arity(least, most int) string {
	switch {
	case most < 0:
		return fmt.Sprintf("at least %d arguments", least)
	case least == most && least == 1:
		return "one argument"
	case least == most:
		return fmt.Sprintf("%d arguments", least)
	}
	return fmt.Sprintf("%d to %d arguments", least, most)
}

// table is every function by its name in lower case. What depends on the deployment (resourceId, reference) stands in
// identity.go; what takes functions in lambda.go.
var table = map[string]function{
	"any":   {1, 1, true, func(_ functions, a []value.Value) (value.Value, error) { return a[0], nil }},
	"true":  {0, 0, true, func(functions, []value.Value) (value.Value, error) { return boolean(true), nil }},
	"false": {0, 0, true, func(functions, []value.Value) (value.Value, error) { return boolean(false), nil }},
	"null":  {0, 0, true, func(functions, []value.Value) (value.Value, error) { return null(), nil }},

	// logical and comparison
	"and":             {1, -1, true, func(_ functions, a []value.Value) (value.Value, error) { return and(a) }},
	"or":              {1, -1, true, func(_ functions, a []value.Value) (value.Value, error) { return or(a) }},
	"not":             {1, 1, false, not},
	"bool":            {1, 1, false, toBool},
	"equals":          {2, 2, true, func(_ functions, a []value.Value) (value.Value, error) { return equals(&a[0], &a[1], false), nil }},
	"less":            {2, 2, false, compared(func(c int) bool { return c < 0 })},
	"lessorequals":    {2, 2, false, compared(func(c int) bool { return c <= 0 })},
	"greater":         {2, 2, false, compared(func(c int) bool { return c > 0 })},
	"greaterorequals": {2, 2, false, compared(func(c int) bool { return c >= 0 })},
	"coalesce":        {1, -1, true, coalesce},
	"if":              {3, 3, true, func(_ functions, a []value.Value) (value.Value, error) { return either(a[0], a[1], a[2]) }},

	// numbers
	"add":   {2, 2, false, arithmetic(func(a, b int64) (int64, error) { return a + b, nil })},
	"sub":   {2, 2, false, arithmetic(func(a, b int64) (int64, error) { return a - b, nil })},
	"mul":   {2, 2, false, arithmetic(func(a, b int64) (int64, error) { return a * b, nil })},
	"div":   {2, 2, false, arithmetic(divide)},
	"mod":   {2, 2, false, arithmetic(remainder)},
	"int":   {1, 1, false, toInt},
	"float": {1, 1, false, toFloat},
	"min":   {1, -1, false, extreme("min", func(a, b int64) bool { return a < b })},
	"max":   {1, -1, false, extreme("max", func(a, b int64) bool { return a > b })},

	// text
	"concat":               {1, -1, true, concat},
	"format":               {1, -1, true, format},
	"tolower":              {1, 1, true, mapped("toLower", strings.ToLower)},
	"toupper":              {1, 1, true, mapped("toUpper", strings.ToUpper)},
	"trim":                 {1, 1, false, ofText(func(s string) (value.Value, error) { return text(strings.TrimSpace(s)), nil })},
	"string":               {1, 1, true, toText},
	"substring":            {2, 3, true, substring},
	"replace":              {3, 3, true, replace},
	"split":                {2, 2, false, split},
	"join":                 {2, 2, true, join},
	"startswith":           {2, 2, true, startsWith},
	"endswith":             {2, 2, true, endsWith},
	"indexof":              {2, 2, false, indexOf},
	"lastindexof":          {2, 2, false, lastIndexOf},
	"padleft":              {2, 3, false, padLeft},
	"base64":               {1, 1, false, ofText(base64Encode)},
	"base64tostring":       {1, 1, false, ofText(base64Decode)},
	"base64tojson":         {1, 1, false, ofText(base64JSON)},
	"datauri":              {1, 1, false, ofText(dataURI)},
	"datauritostring":      {1, 1, false, ofText(dataURIText)},
	"uri":                  {2, 2, false, uri},
	"uricomponent":         {1, 1, false, ofText(uriComponent)},
	"uricomponenttostring": {1, 1, false, ofText(uriComponentText)},
	"json":                 {1, 1, false, ofText(decodeJSON)},
	"fail":                 {1, 1, true, opaque("fail")},

	// What only the deployment knows; the same call yields the same.
	"uniquestring":      {1, -1, true, opaque("uniqueString")},
	"guid":              {1, -1, true, opaque("guid")},
	"newguid":           {0, 0, true, forgotten},
	"utcnow":            {0, 1, true, opaque("utcNow")},
	"datetimeadd":       {2, 3, true, opaque("dateTimeAdd")},
	"datetimefromepoch": {1, 1, true, opaque("dateTimeFromEpoch")},
	"datetimetoepoch":   {1, 1, true, opaque("dateTimeToEpoch")},
	"environment":       {0, 0, true, opaque("environment")},
	"deployer":          {0, 0, true, opaque("deployer")},
	"deployment":        {0, 0, true, opaque("deployment")},
	"providers":         {1, 2, true, opaque("providers")},
	"pickzones":         {3, 5, true, opaque("pickZones")},
	"tozonenames":       {2, 3, true, opaque("toZoneNames")},
	"tologicalzone":     {3, 3, true, opaque("toLogicalZone")},
	"tologicalzones":    {3, 3, true, opaque("toLogicalZones")},
	"tophysicalzone":    {3, 3, true, opaque("toPhysicalZone")},
	"tophysicalzones":   {3, 3, true, opaque("toPhysicalZones")},
	"parsecidr":         {1, 1, true, parseCIDR},
	"cidrsubnet":        {3, 3, true, cidrSubnet},
	"cidrhost":          {2, 2, true, cidrHost},
	"externalinput":     {1, 2, true, opaque("externalInput")},
	"builduri":          {1, 1, true, opaque("buildUri")},
	"parseuri":          {1, 1, true, opaque("parseUri")},
	"getsecret":         {1, 3, true, secret},

	// lists and objects
	"array":           {1, 1, true, toArray},
	"createarray":     {0, -1, true, func(_ functions, a []value.Value) (value.Value, error) { return list(a...), nil }},
	"createobject":    {0, -1, true, createObject},
	"contains":        {2, 2, true, contains},
	"empty":           {1, 1, true, empty},
	"first":           {1, 1, true, first},
	"last":            {1, 1, true, last},
	"length":          {1, 1, true, length},
	"take":            {2, 2, true, take},
	"skip":            {2, 2, true, skip},
	"range":           {2, 2, false, rangeOf},
	"union":           {1, -1, true, union},
	"shallowmerge":    {1, 1, true, shallowMerge},
	"intersection":    {1, -1, false, intersection},
	"flatten":         {1, 1, true, flatten},
	"items":           {1, 1, true, items},
	"objectkeys":      {1, 1, true, objectKeys},
	"tryget":          {2, -1, true, tryGet},
	"tryindexfromend": {2, 2, true, fromEnd},
	"indexfromend":    {2, 2, true, fromEnd},
	"distinct":        {1, 1, false, distinct},
	"reverse":         {1, 1, false, reverse},

	// identities
	"resourceid":                {2, -1, true, resourceID},
	"subscriptionresourceid":    {2, -1, true, subscriptionResourceID},
	"tenantresourceid":          {2, -1, true, tenantResourceID},
	"managementgroupresourceid": {2, -1, true, managementGroupResourceID},
	"extensionresourceid":       {3, -1, true, extensionResourceID},
	"subscription":              {0, 0, true, subscription},
	"resourcegroup":             {0, 0, true, resourceGroup},
	"managementgroup":           {0, 0, true, opaque("managementGroup")},
	"tenant":                    {0, 0, true, opaque("tenant")},
}

// opaque returns a function of whose result nothing is known.
func opaque(name string) func(functions, []value.Value) (value.Value, error) {
	return func(_ functions, args []value.Value) (value.Value, error) { return symbol(name, "", args...), nil }
}

// forgotten yields something that equals nothing else.
func forgotten(functions, []value.Value) (value.Value, error) {
	return value.Value{Kind: value.Unknown, NotNull: true, Given: true}, nil
}

// secret yields what a key vault holds.
func secret(_ functions, args []value.Value) (value.Value, error) {
	v := symbol("getSecret", "", args...)
	v.Given, v.Sensitive, v.NotNull = true, true, true
	return v, nil
}

// textOf writes a known scalar as text, as the string functions do.
func textOf(v *value.Value) string {
	switch v.Kind {
	case value.String:
		return v.Text
	case value.Number:
		return v.Digits()
	case value.Bool:
		if v.Bool {
			return "True"
		}
		return "False"
	}
	return ""
}

// scalar reports whether v is a known text, number or truth.
func scalar(v *value.Value) bool {
	return v.Kind == value.String || v.Kind == value.Number || v.Kind == value.Bool
}
