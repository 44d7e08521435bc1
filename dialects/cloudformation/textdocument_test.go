package cloudformation

import "testing"

func TestDocumentOfText(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{`!Sub '{"A": "x", "R": "arn:aws:logs:${AWS::Region}:1:x"}'`, `{A: 'x', R: 'arn:aws:logs:'*':1:x'}`},
		{`!Sub ' [{"A": ["${Name}", "${Open}"], "N": 1.50, "T": true, "Z": null}]'`, `[{A: ['web', *], N: 1.50, T: true, Z: null}]`},
		{`!Sub ['{"A": "${B}${B}"}', {B: !GetAtt Bucket.Arn}]`, `{A: 'arn:'*}`},
		{`!Join ["", ['{"A": "', !Ref Open, '"}']]`, `{A: *}`},
		{`!Join [",", ['{"A": "x"', '"B": "y"', !Sub '"C": "${Open}"}']]`, `{A: 'x', B: 'y', C: *}`},
		{`!Sub '{"A": ${Open}}'`, ``},
		{`!Sub '{"${Open}": 1}'`, ``},
		{`!Sub '{"A": "${Open}"} x'`, ``},
		{`!Sub '${Open}{"A": 1}'`, ``},
		{`!Sub '{"A": "\ue0007\ue001${Open}"}'`, `{A: *}`},
	} {
		u := evaluated(t, tree(map[string]string{"t.yaml": preamble + c.expr + "\n"}))
		got := ""
		if d := natives(u)["T"].body.Field("V").Document; d != nil {
			got = dump(d)
		}
		if got != c.want {
			t.Errorf("%s has the document %s, want %s", c.expr, got, c.want)
		}
	}
}
