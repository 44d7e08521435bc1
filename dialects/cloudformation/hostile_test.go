package cloudformation

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/source"
)

// TestHostile holds that what is made to take for ever ends in a problem, or in nothing, soon.
func TestHostile(t *testing.T) {
	resource := func(property string) string {
		return "Resources:\n  A:\n    Type: AWS::A::A\n    Properties:\n      V: " + property + "\n"
	}
	many := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, line, i, i+1)
		}
		return b.String()
	}
	loops := func(depth, size int) string {
		items := strings.TrimSuffix(strings.Repeat("x, ", size), ", ")
		out := `{"K": 1}`
		for i := range depth {
			out = fmt.Sprintf(`{"Fn::ForEach::L%d": [I%d, [%s], %s]}`, i, i, items, out)
		}
		return "Transform: AWS::LanguageExtensions\n" + resource(out)
	}
	for _, c := range []struct {
		name, text string
		limit      bool // a Limit problem is wanted
		nothing    bool // no problem at all
	}{
		{"deep functions", resource(strings.Repeat(`{"Fn::Join": ["", [`, 80) + "x" + strings.Repeat("]]}", 80)), false, true},
		{"functions that grow a text", resource(strings.Repeat(`{"Fn::Base64": `, 240) + "x" + strings.Repeat("}", 240)), true, false},
		{"deeper functions", resource(strings.Repeat(`{"Fn::Base64": `, 100_000) + "x" + strings.Repeat("}", 100_000)), true, false},
		{"deep lists", resource(strings.Repeat("[", 100_000)), true, false},
		{"10,000 resources", "Resources:\n" + many(10_000, "  R%d: {Type: \"AWS::S3::Bucket\", Properties: {BucketName: !Sub \"b-${R%d}\"}}\n") + "  R10000: {Type: \"AWS::S3::Bucket\"}\n", false, true},
		{"a megabyte of names", resource(`!Sub "` + strings.Repeat("${AWS::Region}", 70_000) + `"`), false, true},
		{"a text that doubles", "Parameters:\n  P: {Type: String, Default: " + strings.Repeat("x", 100_000) + "}\n" + resource(`!Sub "`+strings.Repeat("${P}", 1000)+`"`), true, false},
		{"a loop of loops", loops(8, 20), true, false},
		{"a loop in too many loops", loops(12, 1), true, false},
		{"a loop of resources", "Transform: AWS::LanguageExtensions\nParameters: {L: {Type: CommaDelimitedList, Default: \"" + strings.Repeat("x,", 100_000) + "\"}}\nResources:\n  Fn::ForEach::A:\n    - I\n    - !Ref L\n    - \"R${I}\":\n        Type: AWS::A::A\n", true, false},
		{"conditions in a circle", "Conditions:\n" + many(1000, "  C%d: !Not [!Condition C%d]\n") + "  C1000: !Not [!Condition C0]\n" + resource("1") + "    Condition: C0\n", true, false},
		{"conditions in each other", "Conditions:\n" + many(60, "  C%d: !And [!Condition C%[2]d, !Condition C%[2]d]\n") + "  C60: !Equals [!Ref AWS::Region, x]\n" + resource("!If [C0, a, b]") + "    Condition: C0\n", false, true},
		{"branches in each other", "Conditions: {C: !Equals [!Ref AWS::Region, x]}\n" + resource(strings.Repeat(`{"Fn::If": [C, `, 60)+"x"+strings.Repeat(", y]}", 60)), false, true},
		{"branches that double", "Conditions:\n" + many(40, "  C%d: !Equals [!Ref AWS::Region, x%d]\n") + resource(doubled(40)), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			u := evaluated(t, tree(map[string]string{"t.yaml": c.text}))
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			limit := false
			for _, p := range u.Problems {
				limit = limit || p.Kind == source.Limit || p.Kind == source.Invalid
				if p.Kind == source.Bug || c.nothing {
					t.Errorf("%s: %.200s", p.Kind, p.Message)
				}
			}
			if limit != c.limit {
				t.Errorf("problems %v", u.Problems)
			}
		})
	}
}

// doubled is an anchor that is used twice in the next, so that a small text has many values.
func doubled(depth int) string {
	var b strings.Builder
	b.WriteString("{a0: &a0 {x: 1}")
	for i := 1; i < depth; i++ {
		fmt.Fprintf(&b, ", a%d: &a%d {\"Fn::If\": [C%d, *a%d, *a%d]}", i, i, i, i-1, i-1)
	}
	return b.String() + "}"
}

func TestNestedCircle(t *testing.T) {
	stack := func(to string) string {
		return "Resources:\n  S:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: " + to + "\n      Parameters: {P: !GetAtt S.Outputs.O}\nOutputs: {O: {Value: !GetAtt S.Outputs.O}}\nParameters: {P: {Type: String, Default: x}}\n"
	}
	e := openTree(t, New(set()), tree(map[string]string{"a.yaml": stack("b.yaml"), "b.yaml": stack("a.yaml"), "c.yaml": stack("c.yaml")}))
	for _, name := range e.Units() {
		u := e.Evaluate(context.Background(), name)
		if !strings.Contains(problemsOf(u), "nests itself") || strings.Contains(problemsOf(u), "bug") {
			t.Errorf("%s: %s", name.Dir, problemsOf(u))
		}
	}
	if len(e.Units()) != 2 {
		t.Errorf("units %v", e.Units())
	}
}

func TestGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e := openTree(t, New(set()), tree(map[string]string{"t.yaml": "Resources:\n  A:\n    Type: AWS::A::A\n"}))
	if u := e.Evaluate(ctx, e.Units()[0]); u.Graph == nil {
		t.Error("there is no graph")
	}
}
