#!/usr/bin/env bash
# Runs one command as a task of an environment, waits for its end, shows its log; exits as the command did.
#
#   STACK=stack.json ecs_task.sh pipeline|superset|bootstrap [COMMAND...]
#
# STACK is a file: `terraform output -json stack` of the environment. Nothing from outside the VPC connects to the
# warehouse or the state: this is the way in. Needs the AWS CLI and python3. TASK_TIMEOUT and TASK_POLL are seconds.
set -euo pipefail

if (($# < 1)) || [[ ! -f "${STACK:-}" ]]; then
  sed -n 's/^#   *//p' "$0" >&2
  exit 2
fi
use=$1
shift
timeout=${TASK_TIMEOUT:-2700} poll=${TASK_POLL:-10}

of() {
  python3 -c 'import functools, json, sys
try:
    print(functools.reduce(lambda part, key: part[key], sys.argv[2:], json.load(open(sys.argv[1]))))
except (KeyError, TypeError):
    sys.exit(f"ecs_task: the stack has no {sys.argv[2:]}")' "$STACK" "$@"
}

if [[ "$use" == superset && "$(of dashboards_address)" == None ]]; then
  echo "superset: this environment has none (no certificate is given): $* is left out"
  exit 0
fi
cluster=$(of cluster)
definition=$(of task_families "$use")
# bootstrap is the pipeline's image in the pipeline's network
case $use in superset) place=superset container=superset ;; *) place=pipeline container=pipeline ;; esac
network=$(of task_network "$place")
overrides=$(python3 -c 'import json, sys
command = {"command": sys.argv[2:]} if sys.argv[2:] else {}  # none: as the task is defined
print(json.dumps({"containerOverrides": [{"name": sys.argv[1]} | command]}))' "$container" "$@")

echo "$definition: $*"
task=$(aws ecs run-task --cluster "$cluster" --task-definition "$definition" --launch-type FARGATE --count 1 \
  --network-configuration "$network" --overrides "$overrides" --started-by "${GITHUB_RUN_ID:-by-hand}" \
  --query 'tasks[0].taskArn' --output text)
if [[ "$task" != arn:* ]]; then
  echo "ecs_task: ECS did not start $definition: see the cluster's capacity and the task definition" >&2
  exit 1
fi

described() { aws ecs describe-tasks --cluster "$cluster" --tasks "$task" --query "tasks[0].$1" --output text; }

end=$((SECONDS + timeout))
until [[ "$(described lastStatus)" == STOPPED ]]; do
  if ((SECONDS > end)); then
    aws ecs stop-task --cluster "$cluster" --task "$task" --reason "longer than $timeout s" > /dev/null
    echo "ecs_task: stopped $task: it ran longer than $timeout s; TASK_TIMEOUT allows more" >&2
    exit 124
  fi
  sleep "$poll"
done

options="taskDefinition.containerDefinitions[?name=='$container'] | [0].logConfiguration.options"
read -r group prefix < <(aws ecs describe-task-definition --task-definition "$definition" --output text \
  --query "$options.[\"awslogs-group\", \"awslogs-stream-prefix\"]") || true
aws logs get-log-events --log-group-name "${group:-None}" --log-stream-name "${prefix:-None}/$container/${task##*/}" \
  --query 'events[].[message]' --output text || echo "ecs_task: this role may not read the log; who may: aws logs tail ${group:-LOG_GROUP} --since 1h" >&2

code=$(described "containers[?name=='$container'] | [0].exitCode")
if [[ ! "$code" =~ ^[0-9]+$ ]]; then
  echo "ecs_task: the container never ran: $(described stoppedReason)" >&2
  exit 1
fi
if ((code)); then echo "ecs_task: $* ended with $code ($(described stoppedReason))" >&2; fi
exit "$code"
