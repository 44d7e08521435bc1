package api

import "strings"

// The tiers of a graph: what a resource is for, so that a picture has an order. A person reads it from the internet on the left to
// the data on the right.
const (
	tierNetwork  = "network"
	tierCompute  = "compute"
	tierData     = "data"
	tierIdentity = "identity"
	tierOther    = "other"
)

// tierWords says by words in the type of a resource which tier it is of: the first row with a word that the type has, between _ or at its
// ends, decides. More telling words stand before those that other names have too (aws_iam_instance_profile is no instance). It is about
// pictures only: no rule looks at it.
var tierWords = []struct {
	tier  string
	words []string
}{
	{tierIdentity, []string{"iam", "role", "policy", "serviceaccount", "service_account", "clusterrole", "rolebinding", "clusterrolebinding", "user", "identity", "cognito", "kms", "key", "secret", "secretsmanager", "secrets", "ssm", "vault", "keyring", "access_key", "acm", "certificate", "token"}},
	{tierData, []string{"s3", "bucket", "db", "rds", "dynamodb", "database", "sql", "mysql", "postgresql", "mssql", "redshift", "elasticache", "redis", "memcached", "efs", "fsx", "ebs", "volume", "disk", "snapshot", "storage", "cosmosdb", "bigquery", "bigtable",
		"spanner", "kinesis", "firehose", "sqs", "sns", "pubsub", "queue", "topic", "msk", "kafka", "elasticsearch", "opensearch", "neptune", "docdb", "glue", "athena", "ecr", "registry", "persistentvolume", "persistentvolumeclaim", "configmap", "filesystem", "eventhub", "servicebus", "backup", "log", "cloudtrail", "logging"}},
	{tierNetwork, []string{"vpc", "subnet", "security_group", "network", "gateway", "route", "route53", "dns", "lb", "alb", "elb", "nlb", "listener", "target", "cloudfront", "cdn", "firewall", "waf", "wafv2", "nat", "eip", "eni", "peering", "endpoint", "ingress", "networkpolicy", "service",
		"api", "apigateway", "apigatewayv2", "nsg", "public_ip", "forwarding_rule", "frontend", "globalaccelerator", "vpn", "transit", "zone", "record", "acl", "loadbalancer"}},
	{tierCompute, []string{"instance", "ec2", "lambda", "function", "ecs", "eks", "aks", "gke", "container", "cluster", "pod", "deployment", "statefulset", "daemonset", "replicaset", "job", "cronjob", "vm", "virtual_machine", "machine", "autoscaling", "launch", "batch", "fargate", "app",
		"run", "node", "compute", "emr", "sagemaker", "lightsail", "beanstalk", "web", "kubernetes", "image", "ci_job", "ci_script", "step", "workflow", "pipeline", "codebuild", "build", "compose", "dockerfile"}},
}

// tierOf is the tier of a type of resource.
func tierOf(typ string) string {
	text := "_" + strings.ToLower(typ) + "_"
	for _, row := range tierWords {
		for _, w := range row.words {
			if strings.Contains(text, "_"+w+"_") {
				return row.tier
			}
		}
	}
	return tierOther
}
