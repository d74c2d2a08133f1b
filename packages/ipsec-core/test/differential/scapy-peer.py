"""Answers, per line of JSON on stdin, with one line of JSON: scapy's ESP or AH applied to a packet, or undone."""

import json
import sys

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import AH, ESP, SecurityAssociation


def parse(octets):
    return (IPv6 if octets[0] >> 4 == 6 else IP)(octets)


def association(job):
    arguments = {
        "proto": ESP if job["protocol"] == "esp" else AH,
        "spi": job["spi"],
        "seq_num": job["sequence"],
        "esn_en": job["esnHigh"] is not None,
        "esn": job["esnHigh"] or 0,
    }
    if job["protocol"] == "esp":
        arguments["crypt_algo"] = job["crypt"]
        arguments["crypt_key"] = bytes.fromhex(job["cryptKey"])
    if job["auth"] is not None:
        arguments["auth_algo"] = job["auth"]
        arguments["auth_key"] = bytes.fromhex(job["authKey"])
    if job["outer"] is not None:
        source, destination = job["outer"]
        header = IPv6 if ":" in source else IP
        arguments["tunnel_header"] = header(src=source, dst=destination)
    if job["udp"]:
        arguments["nat_t_header"] = UDP(sport=4500, dport=4500)
    return SecurityAssociation(**arguments)


def answer(job):
    packet = parse(bytes.fromhex(job["packet"]))
    made = association(job)
    if job["do"] == "protect":
        iv = bytes.fromhex(job["iv"]) if job["iv"] is not None else None
        options = {"seq_num": job["sequence"]}
        if iv is not None:
            options["iv"] = iv
        if job["esnHigh"] is not None:
            options.update(esn_en=True, esn=job["esnHigh"])
        return bytes(made.encrypt(packet, **options)).hex()
    return bytes(made.decrypt(packet, verify=True)).hex()


for line in sys.stdin:
    try:
        result = {"packet": answer(json.loads(line))}
    except Exception as error:  # the peer answers every line, also with what went wrong
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), flush=True)
