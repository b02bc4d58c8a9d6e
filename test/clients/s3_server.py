"""A real S3 (moto) that checks signatures: says where it is and with which keys, and runs until its input ends.

Input: one line of JSON, {key: base64}. All objects lie in both buckets, `lab-data` and `lab.data`.
"""
import base64
import json
import sys

import boto3
import moto
import requests
from moto.server import ThreadedMotoServer

objects = {key: base64.b64decode(text) for key, text in json.loads(sys.stdin.readline()).items()}
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
root = dict(endpoint_url=url, region_name="eu-central-1", aws_access_key_id="root", aws_secret_access_key="root")

s3 = boto3.client("s3", **root)
for bucket in ("lab-data", "lab.data"):
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)

iam = boto3.client("iam", **root)
iam.create_user(UserName="reader")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}]}
iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="reader")["AccessKey"]
# from now on every request has to be signed by a known key
requests.post(f"{url}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()

print(json.dumps({"url": url, "id": key["AccessKeyId"], "secret": key["SecretAccessKey"], "version": moto.__version__}), flush=True)
sys.stdin.read()
server.stop()
