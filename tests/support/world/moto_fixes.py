"""Changes to moto's backends in this process, where AWS's behaviour cannot be had from outside."""

import json
from collections.abc import Iterator
from typing import Any

#: Of AWS's own 1,500 policies, those that the worlds attach (loading all takes 15 seconds and 740 MB).
AWS_POLICIES = (
    "AdministratorAccess",
    "AmazonECSTaskExecutionRolePolicy",
    "AmazonRDSEnhancedMonitoringRole",
    "AWS_ConfigRole",
    "AWSSupportAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
)


def apply() -> None:
    """Applies all of them; before the first request."""
    _load_some_aws_policies()
    _mark_aws_managed_keys()
    _enforce_no_bucket_policies()
    _delete_acls_with_their_vpc()
    _name_listener_rules_by_chance()
    _keep_rotation_periods()
    _tell_regions_of_emr_by_signature()
    _tag_buckets_in_their_region()


def _load_some_aws_policies() -> None:
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy, IAMBackend

    all_policies = json.loads(aws_managed_policies_data)
    wanted = {name: all_policies[name] for name in AWS_POLICIES}
    del all_policies

    def some(self: Any) -> list[Any]:
        return [AWSManagedPolicy.from_data(name, self.account_id, self.region_name, data) for name, data in wanted.items()]

    IAMBackend._init_aws_policies = some


def _mark_aws_managed_keys() -> None:
    from moto.kms.models import KmsBackend

    create = KmsBackend._generate_default_keys

    def created(self: Any, alias_name: str) -> str | None:
        key_id = create(self, alias_name)
        if key_id is not None:
            key = self.keys[key_id]
            key.key_manager = "AWS"
            service = alias_name.rpartition("/")[2]
            key.description = f"Default key that protects my {service} objects when no other key is defined"
        return key_id

    KmsBackend._generate_default_keys = created


def _keep_rotation_periods() -> None:
    """moto forgets how often a key rotates; AWS tells, 365 days unless told otherwise."""
    from moto.kms.models import kms_backends
    from moto.kms.responses import KmsResponse

    enable, status = KmsResponse.enable_key_rotation, KmsResponse.get_key_rotation_status

    def key_of(self: Any) -> Any:
        backend = kms_backends[self.current_account][self.region]
        return backend.keys[backend.get_key_id(self._get_param("KeyId"))]

    def enabled(self: Any) -> str:
        answer: str = enable(self)
        key_of(self).rotation_period = self._get_param("RotationPeriodInDays") or 365
        return answer

    def told(self: Any) -> str:
        answer = json.loads(status(self))
        if answer["KeyRotationEnabled"]:
            answer["RotationPeriodInDays"] = getattr(key_of(self), "rotation_period", 365)
        return json.dumps(answer)

    KmsResponse.enable_key_rotation = enabled
    KmsResponse.get_key_rotation_status = told


def _tell_regions_of_emr_by_signature() -> None:
    """moto reads EMR's region out of AWS's host names alone, and takes every other host for us-east-1."""
    from moto.core.responses import BaseResponse
    from moto.emr.responses import ElasticMapReduceResponse

    ElasticMapReduceResponse.get_region_from_url = BaseResponse.get_region_from_url


def _tag_buckets_in_their_region() -> None:
    """moto lists the buckets of all regions in each; AWS lists a bucket where it is."""
    from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
    from moto.s3.models import s3_backends

    generate = ResourceGroupsTaggingAPIBackend._get_resources_generator

    def generated(self: Any, *arguments: Any, **named: Any) -> Iterator[Any]:
        buckets = s3_backends[self.account_id][self.partition].buckets
        for resource in generate(self, *arguments, **named):
            bucket = buckets.get(str(resource.arn).rpartition(":::")[2])
            if bucket is None or bucket.region_name == self.region_name:
                yield resource

    ResourceGroupsTaggingAPIBackend._get_resources_generator = generated


def _enforce_no_bucket_policies() -> None:
    """The server speaks plain HTTP where AWS has TLS: policies that deny plain HTTP would shut everybody out."""
    from moto.iam.access_control import PermissionResult
    from moto.s3.models import FakeBucket

    FakeBucket.get_permission = lambda self, action, resource: PermissionResult.NEUTRAL


def _delete_acls_with_their_vpc() -> None:
    from moto.ec2.models import EC2Backend

    delete_vpc = EC2Backend.delete_vpc

    def deleted(self: Any, vpc_id: str) -> Any:
        vpc = delete_vpc(self, vpc_id)
        self.network_acls = {name: acl for name, acl in self.network_acls.items() if acl.vpc_id != vpc_id}
        return vpc

    EC2Backend.delete_vpc = deleted


def _name_listener_rules_by_chance() -> None:
    """moto names them by their address in memory, which no seed can repeat."""
    from moto.elbv2 import models
    from moto.moto_api._internal import mock_random

    models.id = lambda _: mock_random.get_random_hex(16)
