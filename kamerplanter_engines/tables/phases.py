"""What phases mean for care.

Source: [Kamerplanter] phase definitions.
"""

NO_FEED_PHASES = frozenset(
    {
        "acclimatization",
        "corm_ripening",
        "dormancy",
        "flushing",
        "hardening_off",
        "maintenance",
        "repotting_recovery",
        "ripening",
        "senescence",
        "winter_dormancy",
        "winter_rest",
    }
)
"""Phases in which a plant gets no fertiliser.

Source: [Kamerplanter] care reminders for rest and recovery; own rule for ripening and flushing,
which exist to use up what the plant has stored.
"""
