"""The half of verify.py about machines and disks."""

import base64
from collections.abc import Iterator
from typing import Any, Protocol

from .builder import ACCOUNT

Seen = Iterator[tuple[str, str, dict[str, bool | None]]]


class Clients(Protocol):
    """Whatever has clients."""

    def client(self, service: str, region: str) -> Any:
        """A client."""


def region_settings(ec2: Any) -> dict[str, bool | None]:
    """What is set once for a region."""
    tokens = ec2.get_instance_metadata_defaults()["AccountLevel"].get("HttpTokens")
    return {
        "ebs-snapshots-sharing-blocked": ec2.get_snapshot_block_public_access_state()["State"] != "unblocked",
        "images-sharing-blocked": ec2.get_image_block_public_access_state()["ImageBlockPublicAccessState"] != "unblocked",
        "region-requires-imdsv2": tokens == "required",
    }


def _careless(script: str | None) -> bool:
    return b"PASSWORD" in base64.b64decode(script or "")


def machines(reader: Clients, region: str) -> Seen:
    """Everything of a region that checks of machines and disks judge."""
    ec2 = reader.client("ec2", region)
    yield from _instances(ec2, region)
    yield from _disks(ec2, region)
    yield from _templates(ec2, region)
    scaling = reader.client("autoscaling", region)
    for one in scaling.describe_launch_configurations()["LaunchConfigurations"]:
        yield "autoscaling-launch-configuration", one["LaunchConfigurationARN"], {
            "launch-configuration-no-public-ip": one.get("AssociatePublicIpAddress") is False,
            "launch-configuration-imdsv2": one["MetadataOptions"]["HttpTokens"] == "required",
            "launch-configuration-no-secrets": not _careless(one.get("UserData")),
        }
    for one in scaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        yield "autoscaling-group", one["AutoScalingGroupARN"], {
            "autoscaling-group-elb-health-check": one["HealthCheckType"] == "ELB",
            "autoscaling-group-multi-az": len(one["AvailabilityZones"]) > 1,
            "autoscaling-group-launch-template": "LaunchTemplate" in one,
        }


def _instances(ec2: Any, region: str) -> Seen:
    for reservation in ec2.describe_instances()["Reservations"]:
        for one in reservation["Instances"]:
            script = ec2.describe_instance_attribute(InstanceId=one["InstanceId"], Attribute="userData")["UserData"].get("Value")
            running = one["State"]["Name"] == "running"
            yield "ec2-instance", f"arn:aws:ec2:{region}:{ACCOUNT}:instance/{one['InstanceId']}", {
                "ec2-instance-no-public-ip": not one.get("PublicIpAddress"),
                "ec2-instance-imdsv2": one["MetadataOptions"]["HttpTokens"] == "required",
                "ec2-instance-profile": "IamInstanceProfile" in one,
                "ec2-instance-in-vpc": bool(one.get("VpcId")),
                "ec2-instance-detailed-monitoring": one["Monitoring"]["State"] == "enabled",
                "ec2-instance-ebs-optimized": one["EbsOptimized"],
                "ec2-instance-user-data-no-secrets": not _careless(script),
                "ec2-instance-renewed": True if running else None,
                "ec2-instance-not-stopped-long": None if running else "User initiated" in one["StateTransitionReason"],
                "ec2-instance-managed-by-ssm": False if running else None,
                "ec2-enclave-host-closed": None,
                "ec2-enclave-host-private": None,
            }


def _disks(ec2: Any, region: str) -> Seen:
    for one in ec2.describe_volumes()["Volumes"]:
        yield "ec2-volume", f"arn:aws:ec2:{region}:{ACCOUNT}:volume/{one['VolumeId']}", {
            "ebs-volume-encrypted": one["Encrypted"],
            "ebs-volume-customer-key": one["KmsKeyId"].startswith("arn:aws:kms:") if one["Encrypted"] else None,
            "ebs-volume-attached": bool(one["Attachments"]),
        }
    for one in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
        asked = {"SnapshotId": one["SnapshotId"], "Attribute": "createVolumePermission"}
        shared = ec2.describe_snapshot_attribute(**asked)["CreateVolumePermissions"]
        yield "ec2-snapshot", f"arn:aws:ec2:{region}::snapshot/{one['SnapshotId']}", {
            "ebs-snapshot-encrypted": one["Encrypted"],
            "ebs-snapshot-not-public": {"Group": "all"} not in shared,
            "ebs-snapshot-shared-with-trusted": not [whom for whom in shared if "UserId" in whom],
        }
    for one in ec2.describe_images(Owners=["self"])["Images"]:
        yield "ec2-image", f"arn:aws:ec2:{region}::image/{one['ImageId']}", {
            "image-not-public": not one["Public"],
            "image-encrypted": all(mapping["Ebs"].get("Encrypted") for mapping in one["BlockDeviceMappings"]),
        }


def _templates(ec2: Any, region: str) -> Seen:
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        asked = {"LaunchTemplateId": template["LaunchTemplateId"], "Versions": ["$Latest"]}
        data = ec2.describe_launch_template_versions(**asked)["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        yield "ec2-launch-template-version", f"arn:aws:ec2:{region}:{ACCOUNT}:launch-template/{template['LaunchTemplateId']}", {
            "launch-template-imdsv2": data["MetadataOptions"]["HttpTokens"] == "required",
            "launch-template-no-public-ip": not any(one["AssociatePublicIpAddress"] for one in data["NetworkInterfaces"]),
            "launch-template-no-secrets": not _careless(data.get("UserData")),
            "launch-template-volumes-encrypted": all(one["Ebs"]["Encrypted"] for one in data["BlockDeviceMappings"]),
        }
