"""Instances and what they are started from and store on: templates, images, volumes, snapshots, groups."""

import base64
from typing import Any

from .builder import HOME, SECOND, Builder
from .network import arn_of, named

IMAGE = "ami-0123456789abcdef0"
SCRIPT = "#!/bin/sh\nsystemctl start openemr\n"
#: What a redaction recognizes; nobody's password.
CARELESS_SCRIPT = "#!/bin/sh\nexport DB_PASSWORD=Tr0ub4dor-and-3-more\nsystemctl start openemr\n"


def build_compute(world: Builder) -> None:
    """One of each that keeps every rule, and one that breaks them."""
    iam = world.client("iam")
    made = iam.create_instance_profile(InstanceProfileName="openemr-instances")
    world.made["instance-profile"] = made["InstanceProfile"]["Arn"]
    add_instance(world, "openemr-batch", good=True)
    add_instance(world, "openemr-legacy-server", good=False)
    add_instance(world, "openemr-migration", good=True, stopped=True)
    add_volume(world, "openemr-documents", key="central")
    add_volume(world, "openemr-scratch", key=None)
    _snapshots(world)
    _images(world)
    _templates(world)
    _groups(world)


def add_instance(world: Builder, name: str, *, good: bool, stopped: bool = False) -> None:
    """An instance of a type that need not be EBS-optimized, with its volume."""
    ec2 = world.client("ec2")
    interface = {"DeviceIndex": 0, "SubnetId": world.made["openemr-private-a" if good else "openemr-public-a"]}
    interface |= {"AssociatePublicIpAddress": not good, "Groups": [world.made["openemr-internal"]]}
    settings: dict[str, Any] = {"IamInstanceProfile": {"Arn": world.made["instance-profile"]}} if good else {}
    encryption = {"Encrypted": True, "KmsKeyId": world.keys["central"]} if good else {"Encrypted": False}
    made = ec2.run_instances(
        ImageId=IMAGE,
        MinCount=1,
        MaxCount=1,
        InstanceType="m3.xlarge",
        EbsOptimized=good,
        Monitoring={"Enabled": good},
        MetadataOptions={"HttpTokens": "required" if good else "optional", "HttpEndpoint": "enabled"},
        NetworkInterfaces=[interface],
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20, **encryption}}],
        UserData=SCRIPT if good else CARELESS_SCRIPT,
        TagSpecifications=named("instance", name, world),
        ClientToken=name,
        **settings,
    )["Instances"][0]
    instance = made["InstanceId"]
    if stopped:
        ec2.stop_instances(InstanceIds=[instance])
    world.truth.resource(
        "ec2-instance",
        arn_of("instance", instance),
        {
            "ec2-instance-no-public-ip": good,
            "ec2-instance-imdsv2": good,
            "ec2-instance-profile": good,
            "ec2-instance-in-vpc": True,
            "ec2-instance-detailed-monitoring": good,
            "ec2-instance-ebs-optimized": good,
            "ec2-instance-user-data-no-secrets": good,
            # Started just now, and stopped just now.
            "ec2-instance-renewed": None if stopped else True,
            "ec2-instance-not-stopped-long": True if stopped else None,
            # The server knows no managed instances.
            "ec2-instance-managed-by-ssm": None if stopped else False,
            # Nor enclaves.
            "ec2-enclave-host-closed": None,
            "ec2-enclave-host-private": None,
        },
    )
    described = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    for mapping in described["BlockDeviceMappings"]:
        declare_volume(world, mapping["Ebs"]["VolumeId"], encrypted=good, attached=True)


def add_volume(world: Builder, name: str, *, key: str | None) -> str:
    """A volume that is attached to nothing; without `key` it is not encrypted."""
    encryption = {"Encrypted": True, "KmsKeyId": world.keys[key]} if key else {"Encrypted": False}
    made = world.client("ec2").create_volume(
        AvailabilityZone=f"{HOME}a", Size=10, TagSpecifications=named("volume", name, world), ClientToken=name, **encryption
    )
    volume: str = made["VolumeId"]
    world.made[name] = volume
    declare_volume(world, volume, encrypted=key is not None, attached=False)
    return volume


def declare_volume(world: Builder, volume: str, *, encrypted: bool, attached: bool) -> None:
    """What holds of a volume; an encrypted one has a key of the deployment's own."""
    world.truth.resource(
        "ec2-volume",
        arn_of("volume", volume),
        {
            "ebs-volume-encrypted": encrypted,
            "ebs-volume-customer-key": True if encrypted else None,
            "ebs-volume-attached": attached,
        },
    )


def _declare_snapshot(world: Builder, snapshot: str, *, encrypted: bool, shared_with: str | None = None) -> None:
    world.truth.resource(
        "ec2-snapshot",
        f"arn:aws:ec2:{HOME}::snapshot/{snapshot}",
        {
            "ebs-snapshot-encrypted": encrypted,
            "ebs-snapshot-not-public": shared_with != "all",
            # Whether it is public is asked elsewhere.
            "ebs-snapshot-shared-with-trusted": shared_with in (None, "all"),
        },
    )


def _snapshots(world: Builder) -> None:
    ec2 = world.client("ec2")
    for name, volume, shared in [
        ("openemr-documents-monday", "openemr-documents", None),
        ("openemr-documents-partner", "openemr-documents", "111122223333"),
        ("openemr-scratch-public", "openemr-scratch", "all"),
    ]:
        tags = named("snapshot", name, world)
        snapshot = ec2.create_snapshot(VolumeId=world.made[volume], Description=name, TagSpecifications=tags)["SnapshotId"]
        if shared:
            whom = {"GroupNames": ["all"]} if shared == "all" else {"UserIds": [shared]}
            ec2.modify_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", **whom)
        _declare_snapshot(world, snapshot, encrypted=volume == "openemr-documents", shared_with=shared)


def _images(world: Builder) -> None:
    """The server makes a snapshot and a volume for every image, neither of them encrypted."""
    ec2 = world.client("ec2")
    for name, public in [("openemr-base", False), ("openemr-base-shared", True)]:
        before = {one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]}
        image = ec2.register_image(Name=name, RootDeviceName="/dev/sda1", Architecture="x86_64")["ImageId"]
        if public:
            ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"Group": "all"}]})
        outcomes = {"image-not-public": not public, "image-encrypted": False}
        world.truth.resource("ec2-image", f"arn:aws:ec2:{HOME}::image/{image}", outcomes)
        for mapping in ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"]:
            _declare_snapshot(world, mapping["Ebs"]["SnapshotId"], encrypted=False)
        for volume in {one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]} - before:
            declare_volume(world, volume, encrypted=False, attached=False)


def _templates(world: Builder) -> None:
    """The careless one stands in the region where nothing is encrypted by default."""
    for name, good, region in [("openemr-workers", True, HOME), ("openemr-legacy-workers", False, SECOND)]:
        script = SCRIPT if good else CARELESS_SCRIPT
        made = world.client("ec2", region).create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={
                "ImageId": IMAGE,
                "InstanceType": "t3.micro",
                "MetadataOptions": {"HttpTokens": "required" if good else "optional"},
                "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": not good}],
                "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20, "Encrypted": good}}],
                "UserData": base64.b64encode(script.encode()).decode(),
            },
            TagSpecifications=named("launch-template", name, world),
            ClientToken=name,
        )["LaunchTemplate"]["LaunchTemplateId"]
        world.made[name] = made
        world.truth.resource(
            "ec2-launch-template-version",
            arn_of("launch-template", made, region),
            {
                "launch-template-imdsv2": good,
                "launch-template-no-public-ip": good,
                "launch-template-no-secrets": good,
                "launch-template-volumes-encrypted": good,
            },
        )


def _groups(world: Builder) -> None:
    """A group with a template, and one with a launch configuration; neither starts an instance."""
    scaling = world.client("autoscaling")
    for name, good in [("openemr-workers", True), ("openemr-legacy-workers", False)]:
        scaling.create_launch_configuration(
            LaunchConfigurationName=name,
            ImageId=IMAGE,
            InstanceType="t3.micro",
            AssociatePublicIpAddress=not good,
            MetadataOptions={"HttpTokens": "required" if good else "optional", "HttpEndpoint": "enabled"},
            UserData=SCRIPT if good else CARELESS_SCRIPT,
        )
        found = scaling.describe_launch_configurations(LaunchConfigurationNames=[name])["LaunchConfigurations"][0]
        world.truth.resource(
            "autoscaling-launch-configuration",
            found["LaunchConfigurationARN"],
            {
                "launch-configuration-no-public-ip": good,
                "launch-configuration-imdsv2": good,
                "launch-configuration-no-secrets": good,
            },
        )
        template = {"LaunchTemplate": {"LaunchTemplateId": world.made[name], "Version": "$Latest"}}
        subnets = ["openemr-private-a", "openemr-private-b"] if good else ["openemr-private-a"]
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=4,
            DesiredCapacity=0,
            VPCZoneIdentifier=",".join(world.made[subnet] for subnet in subnets),
            TargetGroupARNs=[world.made["targets"]],
            HealthCheckType="ELB" if good else "EC2",
            **(template if good else {"LaunchConfigurationName": name}),
        )
        found = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
        world.truth.resource(
            "autoscaling-group",
            found["AutoScalingGroupARN"],
            {
                "autoscaling-group-elb-health-check": good,
                "autoscaling-group-multi-az": good,
                "autoscaling-group-launch-template": good,
            },
        )
