#!/usr/bin/env bash
# The script of the job deploy_web, as it would stand in the yml. It only reads and writes this folder:
#
#   eval "$(shipctl job env)" && bash -e script.sh

say() { printf '\n== %s\n' "$1"; }

echo "$JOB_NAME, build $BUILD_NUMBER: $TASK_NAME"

say "What came in"
image=$(shipctl get_resource_pointer_key app_img sourceName)
current=$(shipctl get_resource_version_name app_img)
commit=$(shipctl get_resource_version_key app_repo shaData.commitSha)
cluster=$(shipctl get_resource_version_key prod_cluster sourceName)
echo "image        $image:$current"
echo "cluster      $cluster in $(shipctl get_resource_env prod_cluster pointer_region)"
echo "environment  $(shipctl get_params_resource settings ENVIRONMENT), port $PORT"
echo "commit       ${commit:0:7} on $(shipctl get_resource_env app_repo branch): $APP_REPO_COMMIT_MESSAGE"
echo "credentials  $(shipctl get_integration_resource_keys aws_cli | paste -s -d ' ') of the integration $AWS_CLI_INTEGRATION_NAME"

say "What changed"
if [ -d "$APP_REPO_STATE/.git" ]; then
  changed=$(shipctl get_git_changes --resource=app_repo --depth=2)
  for service in $changed; do
    echo "build the $service service"
  done
else
  echo "git was not there when this folder was made: build everything"
fi

say "The next version"
NEXT_VERSION=$(shipctl bump_version "$current" minor)
export NEXT_VERSION
echo "$current becomes $NEXT_VERSION"

say "The service, from its template"
cp templates/service.json "$SHARED_DIR/service.json"
shipctl replace "$SHARED_DIR/service.json"
cat "$SHARED_DIR/service.json"

say "A push that fails once"
rm -f "$SHARED_DIR/pushed"
shipctl retry sh -c '
  if [ -e "$SHARED_DIR/pushed" ]; then echo "push: done"; exit 0; fi
  touch "$SHARED_DIR/pushed"; echo "push: connection reset"; exit 1'

say "What the last release was"
shipctl copy_file_from_prev_state release.json "$SHARED_DIR/last.json"
echo "$(shipctl get_json_value "$SHARED_DIR/last.json" version) of $(shipctl get_json_value "$SHARED_DIR/last.json" 'services[0]')"

say "What goes out"
shipctl replicate app_img released_img
shipctl replicate app_repo release_repo
shipctl post_resource_state released_img versionName "$NEXT_VERSION"
shipctl put_resource_state released_img commit "$commit"
shipctl post_resource_state "$JOB_NAME" versionName "$NEXT_VERSION"
shipctl put_resource_state_multi "$JOB_NAME" "image=$image cluster=$cluster"
shipctl copy_file_to_state "$SHARED_DIR/service.json"
sed 's/"serial": 4/"serial": 5/' IN/infra_state/state/terraform.tfstate > "$SHARED_DIR/terraform.tfstate"
shipctl copy_file_to_resource_state "$SHARED_DIR/terraform.tfstate" infra_state
for file in released_img.env "$JOB_NAME.env"; do
  echo "state/$file"
  sed 's/^/  /' "$JOB_STATE/$file"
done
echo "OUT/release_repo is at $(shipctl get_json_value OUT/release_repo/version.json version.propertyBag.shaData.commitSha)"
echo "OUT/infra_state has serial $(shipctl get_json_value OUT/infra_state/state/terraform.tfstate serial)"
