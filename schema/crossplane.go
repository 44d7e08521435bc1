package schema

import (
	"strings"
	"sync"
)

// CrossplaneType is the native type of a managed resource of Upbound's provider families: s3.aws.upbound.io and Bucket are
// "Bucket.s3.aws.upbound.io". It is empty for groups of others. Listed says that blocks that occur at most once are written as
// lists of one, as they were before the families' version 1.x embedded them.
func CrossplaneType(group, kind string, listed bool) string {
	if _, _, ok := crossplaneGroup(group); !ok || kind == "" {
		return ""
	}
	if listed {
		return kind + "." + group + listMark
	}
	return kind + "." + group
}

// listMark ends the types whose single blocks are lists.
const listMark = "[]"

// crossplaneGroup takes a group apart: s3.aws.upbound.io and s3.aws.m.upbound.io are s3 of aws.
func crossplaneGroup(group string) (service, provider string, ok bool) {
	rest, ok := strings.CutSuffix(group, ".upbound.io")
	if !ok {
		return "", "", false
	}
	rest = strings.TrimSuffix(rest, ".m") // the kinds that live in namespaces
	service, provider, ok = strings.Cut(rest, ".")
	return service, provider, ok && crossplanePrefixes[provider] != ""
}

// crossplanePrefixes is what Terraform's types of each family begin with.
var crossplanePrefixes = map[string]string{"aws": "aws_", "azure": "azurerm_", "gcp": "google_"}

// crossplaneGroups is how the types of some groups go on behind the prefix, up to the words that the kind is made of; the first
// that there is counts. Of other groups it is the group's name. The groups are those of the providers' own configuration,
// config/groups.go of crossplane-contrib/provider-upjet-aws and what is beside it, config/overrides.go of provider-upjet-azure and
// provider-upjet-gcp.
var crossplaneGroups = map[string][]string{
	"aws.amp":                  {"prometheus"},
	"aws.apigateway":           {"apigateway"},
	"aws.autoscaling":          {"autoscaling", ""},
	"aws.cloudcontrol":         {"cloudcontrolapi"},
	"aws.cloudtrail":           {"cloudtrail", ""},
	"aws.cloudwatchevents":     {"cloudwatchevent"},
	"aws.cloudwatchlogs":       {"cloudwatchlog", "cloudwatch"},
	"aws.codepipeline":         {"codepipeline", ""},
	"aws.cognitoidentity":      {"cognitoidentity", ""},
	"aws.cognitoidp":           {"cognito"},
	"aws.configservice":        {"config"},
	"aws.deploy":               {"codedeploy"},
	"aws.directconnect":        {"dx"},
	"aws.ds":                   {"directoryservice"},
	"aws.ec2":                  {"", "ec2"},
	"aws.elb":                  {"", "loadbalancer", "elb"},
	"aws.elbv2":                {""},
	"aws.firehose":             {"kinesisfirehose"},
	"aws.kafka":                {"msk"},
	"aws.kafkaconnect":         {"mskconnect"},
	"aws.kinesisanalytics":     {"kinesisanalytics"},
	"aws.kinesisvideo":         {"kinesisvideo"},
	"aws.lexmodels":            {"lex"},
	"aws.mediaconvert":         {"mediaconvert"},
	"aws.rds":                  {"db", "rds", ""},
	"aws.s3control":            {"s3control", "s3"},
	"aws.serverlessrepo":       {"serverlessapplicationrepository"},
	"azure.azurestackhci":      {"stackhci"},
	"azure.cognitiveservices":  {"cognitive"},
	"azure.cosmosdb":           {"cosmosdb"},
	"azure.dbformariadb":       {"mariadb"},
	"azure.dbformysql":         {"mysql"},
	"azure.dbforpostgresql":    {"postgresql"},
	"azure.devtestlab":         {"devtest", "devtestlab"},
	"azure.logic":              {"logic", "logicapp"},
	"azure.notificationhubs":   {"notificationhub", "notification"},
	"azure.timeseriesinsights": {"iottimeseriesinsights"},
	"gcp.cloudplatform":        {"", "cloudplatform"},
	"gcp.accessapproval":       {""},
}

// crossplaneKinds are the kinds that are called otherwise than their types.
var crossplaneKinds = map[string]string{
	"aws.autoscaling/AutoscalingGroup":                 "aws_autoscaling_group",
	"aws.cloudformation/CloudFormationType":            "aws_cloudformation_type",
	"aws.cloudtrail/Trail":                             "aws_cloudtrail",
	"aws.configservice/AWSConfigurationRecorderStatus": "aws_config_configuration_recorder_status",
}

// crossplaneDerivation is the names of Crossplane's managed resources.
func crossplaneDerivation(s *Set) *derivation {
	all := sync.OnceValue(func() map[string]string { // types by their squashed names
		out := make(map[string]string)
		for typ := range s.Types() {
			out[squash(typ)] = typ
		}
		return out
	})
	return &derivation{
		terraform: func(native string) string {
			kind, group, _ := strings.Cut(strings.TrimSuffix(native, listMark), ".")
			service, provider, ok := crossplaneGroup(group)
			if !ok || kind == "" {
				return ""
			}
			if typ := crossplaneKinds[provider+"."+service+"/"+kind]; typ != "" {
				return typ
			}
			begins, known := crossplaneGroups[provider+"."+service]
			if !known {
				begins = []string{squash(service)}
				if provider != "aws" { // kinds keep what does not repeat their group: MSSQLServer of sql
					begins = append(begins, "")
				}
			}
			types := all()
			prefix := squash(crossplanePrefixes[provider])
			for _, begin := range begins {
				if typ := types[prefix+begin+squash(kind)]; typ != "" {
					return typ
				}
			}
			// The type is the group itself: Vault of keyvault.
			if typ := types[prefix+squash(service)]; typ != "" && strings.HasSuffix(squash(typ), squash(kind)) {
				return typ
			}
			return ""
		},
		natives: func(string) []string { return nil },
		family: func(typ string) string { // in which group of the family a type is, its name does not tell
			for provider, prefix := range crossplanePrefixes {
				if strings.HasPrefix(typ, prefix) {
					return "*." + provider + ".upbound.io"
				}
			}
			return ""
		},
		words: func(_, _ string, a *Attribute) []string {
			return []string{camel(a.Name)}
		},
		listed: func(native string) bool { return strings.HasSuffix(native, listMark) },
	}
}

// derived returns the names of a dialect that descends from Terraform, or nil.
func (s *Set) derived(dialect string) *Names {
	switch dialect {
	case "pulumi":
		return &Names{Dialect: dialect, derivation: pulumiDerivation(), set: s}
	case "crossplane":
		return &Names{Dialect: dialect, derivation: crossplaneDerivation(s), set: s}
	}
	return nil
}
