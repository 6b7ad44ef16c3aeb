"""HL7 v2 messages of our own making. Whoever is in them does not exist."""

PATIENT = "OPDIGTET"
"""The family name of everyone in these messages; it must turn up nowhere."""
CPR = "120499-1234"


def adt(
    event: str = "A01",
    *,
    ward: str = "A1^12^2^RHR",
    prior: str = "",
    at: str = "20261122115500+0000",
    control_id: str = "M1",
    patient_class: str = "I",
    end: str = "\r",
    **other: str,
) -> str:
    """One ADT message; `other` are MSH fields (``msh_9``), ``evn_1``, or ``pv1`` altogether."""
    msh = {
        3: "PAS", 4: "RHR", 5: "AKUT", 6: "RANDERS", 7: "20261122115501+0000", 8: "",
        9: f"ADT^{event}^ADT_A01", 10: control_id, 11: "P", 12: "2.5",
    }  # fmt: skip
    msh |= {int(key[4:]): value for key, value in other.items() if key.startswith("msh_")}
    segments = [
        "MSH|^~\\&|" + "|".join(msh[number] for number in range(3, 13)),
        f"EVN|{other.get('evn_1', event)}|{at}",
        f"PID|1||{CPR}^^^CPR||{PATIENT}^OLE||19990412|M|||GADE 1^^RANDERS",
        f"NK1|1|{PATIENT}^KARL|SPO|{CPR}",
        other.get("pv1", f"PV1|1|{patient_class}|{ward}|||{prior}|004777^LÆGE^EN"),
        f"OBX|1|TX|||{PATIENT} {CPR}",
    ]
    return "".join(segment + end for segment in segments)


def bed(name: str, status: str, *, at: str = "20261122115500+0000", control_id: str = "B1") -> str:
    """One A20 message: the status of a bed, written ward^room^bed."""
    head = adt("A20", at=at, control_id=control_id).split("\r")
    return f"{head[0]}\r{head[1]}\rNPU|{name}|{status}\r"
