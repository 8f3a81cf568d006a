"""What must hold of entries of the catalogue beyond the range of each single value."""

from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import Model
from kamerplanter_engines.models.botanical_family import BotanicalFamilyFields, FamilyDemand
from kamerplanter_engines.models.species import SpeciesFields

SPECIES_RANGES = (
    ("soil_moisture_low_pct", "soil_moisture_high_pct"),
    ("spacing_low_cm", "spacing_high_cm"),
    ("ph_low", "ph_high"),
    ("ec_low_ms_cm", "ec_high_ms_cm"),
    ("dli_low_mol_m2_d", "dli_high_mol_m2_d"),
)
FAMILY_RANGES = (("ph_low", "ph_high"),)
MONTH_LISTS = ("direct_sow_months", "harvest_months", "bloom_months")


def check_species(species: SpeciesFields) -> None:
    """Refuse a species whose values contradict each other.

    Raises:
        InvalidInputError: Its scientific name is not at least two words, a low limit lies above
            its high limit, or a month is named twice; names the field.
    """
    name = species.scientific_name
    if len(name.split()) < 2:  # noqa: PLR2004 - genus and epithet
        raise InvalidInputError(
            f"Field scientific_name is {name!r}, but needs genus and epithet, "
            "such as Solanum lycopersicum.",
            field="scientific_name",
            value=name,
        )
    _check_ranges(species, SPECIES_RANGES)
    for field in MONTH_LISTS:
        months: tuple[int, ...] = getattr(species, field)
        if len(set(months)) != len(months):
            raise InvalidInputError(
                f"Field {field} names a month twice.", field=field, value=list(months)
            )


def check_family(family: BotanicalFamilyFields) -> None:
    """Refuse a family whose values contradict each other.

    Raises:
        InvalidInputError: Its name or order is none by its ending, it fixes nitrogen and is said
            to take much, a low limit lies above its high limit, or a way of pollination is named
            twice; names the field.

    Source: [ICN], articles 17 (order) and 18 (family).
    """
    for field, ending in (("name", "aceae"), ("order", "ales")):
        value: str | None = getattr(family, field)
        if value is not None and not value.endswith(ending):
            raise InvalidInputError(
                f"Field {field} is {value!r}, but must end in -{ending}.", field=field, value=value
            )
    if family.nitrogen_fixing and family.nutrient_demand is FamilyDemand.HEAVY:
        raise InvalidInputError(
            "Field nutrient_demand is heavy, but a family that fixes nitrogen takes little.",
            field="nutrient_demand",
            value=family.nutrient_demand.value,
        )
    _check_ranges(family, FAMILY_RANGES)
    if len(set(family.pollination)) != len(family.pollination):
        raise InvalidInputError(
            "Field pollination names a way twice.",
            field="pollination",
            value=[way.value for way in family.pollination],
        )


def _check_ranges(fields: Model, ranges: tuple[tuple[str, str], ...]) -> None:
    for low_field, high_field in ranges:
        low, high = getattr(fields, low_field), getattr(fields, high_field)
        if low is not None and high is not None and low > high:
            raise InvalidInputError(
                f"Field {low_field} is {low}, but must not be above {high_field}, {high}.",
                field=low_field,
                value=low,
                limit=high,
            )
