"""What errors weigh: the categories of the error file."""

from pydantic import Field, model_validator

from fingertip_server.packs.schema_types import Frozen, Title, Word


class ErrorCategory(Frozen):
    """A kind of error, and what one of it costs: `weight` hundredths of a task.

    `subjects` are the checklist items, fields and attachment kinds that belong to it; `rejections`
    says that a refusal for good does, `others` that whatever no other category names does.
    """

    code: Word
    name: Title
    weight: int = Field(ge=0, le=100)
    subjects: tuple[Word, ...] = ()
    rejections: bool = False
    others: bool = False


OTHERS = ErrorCategory(code="other", name="其他差错", weight=0, others=True)


class ErrorCategories(Frozen):
    """error_categories.yaml."""

    error_categories: tuple[ErrorCategory, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _covers_everything_once(self) -> "ErrorCategories":
        if sum(each.others for each in self.error_categories) != 1:
            raise ValueError("One category is for what no other names, and one only.")
        return self
