"""A generator of dossier snapshots for tests and previews. It needs no Odoo.

The result has the shape that ``client.value.dossier._prepare_snapshot()`` returns
(schema 1) and is the same for the same arguments. Sums agree with the lines.
"""

import datetime

SECTIONS = ("concession", "benefit", "flexibility", "special")
LAST_DAY = datetime.date(2026, 11, 23)

_LABELS = {
    "en_US": {
        "prepared_for": "Prepared for",
        "prepared_by": "Prepared by",
        "client": "Client",
        "period": "Period",
        "number": "Number",
        "date": "Date",
        "draft": "Draft",
        "cancelled": "Cancelled",
        "page": "Page",
        "of": "of",
        "key_figures": "Key figures",
        "statistics": "Statistics",
        "by_year": "By year",
        "by_section": "By section",
        "year": "Year",
        "projects": "Projects",
        "project": "Project",
        "contact": "Client's manager",
        "contacts": "Client's managers",
        "position": "Position",
        "manager": "Our manager",
        "from": "From",
        "to": "To",
        "today": "today",
        "price": "Price",
        "what": "What",
        "category": "Category",
        "hours": "Hours",
        "days": "Days",
        "worth": "Worth",
        "count": "Entries",
        "subtotal": "Subtotal",
        "total": "Total",
        "evidence": "Evidence on file",
        "file": "File",
        "description": "Details",
        "section": "Section",
        "amount": "Amount",
        "currency": "Currency",
        "original": "Original amount",
        "years_unit": "years",
        "hours_unit": "h",
        "days_unit": "days",
        "entries": "All entries",
        "no_projects": "No projects in this period.",
        "tax_note": "All amounts without tax.",
    },
    "ru_RU": {
        "prepared_for": "Для кого",
        "prepared_by": "Подготовил",
        "client": "Клиент",
        "period": "Период",
        "number": "Номер",
        "date": "Дата",
        "draft": "Черновик",
        "cancelled": "Отменено",
        "page": "Страница",
        "of": "из",
        "key_figures": "Главные цифры",
        "statistics": "Статистика",
        "by_year": "По годам",
        "by_section": "По разделам",
        "year": "Год",
        "projects": "Проекты",
        "project": "Проект",
        "contact": "Менеджер клиента",
        "contacts": "Менеджеры клиента",
        "position": "Должность",
        "manager": "Наш менеджер",
        "from": "С",
        "to": "По",
        "today": "сегодня",
        "price": "Цена",
        "what": "Что сделано",
        "category": "Категория",
        "hours": "Часы",
        "days": "Дни",
        "worth": "Стоимость",
        "count": "Записей",
        "subtotal": "Итого по разделу",
        "total": "Всего",
        "evidence": "Подтверждающие документы",
        "file": "Файл",
        "description": "Подробности",
        "section": "Раздел",
        "amount": "Сумма",
        "currency": "Валюта",
        "original": "Исходная сумма",
        "years_unit": "г.",
        "hours_unit": "ч",
        "days_unit": "дн.",
        "entries": "Все записи",
        "no_projects": "В этом периоде проектов не было.",
        "tax_note": "Все суммы без налога.",
    },
    "bg_BG": {
        "prepared_for": "Изготвено за",
        "prepared_by": "Изготвил",
        "client": "Клиент",
        "period": "Период",
        "number": "Номер",
        "date": "Дата",
        "draft": "Чернова",
        "cancelled": "Анулирано",
        "page": "Страница",
        "of": "от",
        "key_figures": "Основни показатели",
        "statistics": "Статистика",
        "by_year": "По години",
        "by_section": "По раздели",
        "year": "Година",
        "projects": "Проекти",
        "project": "Проект",
        "contact": "Мениджър на клиента",
        "contacts": "Мениджъри на клиента",
        "position": "Длъжност",
        "manager": "Наш мениджър",
        "from": "От",
        "to": "До",
        "today": "днес",
        "price": "Цена",
        "what": "Какво",
        "category": "Категория",
        "hours": "Часове",
        "days": "Дни",
        "worth": "Стойност",
        "count": "Записи",
        "subtotal": "Междинна сума",
        "total": "Общо",
        "evidence": "Налични доказателства",
        "file": "Файл",
        "description": "Подробности",
        "section": "Раздел",
        "amount": "Сума",
        "currency": "Валута",
        "original": "Първоначална сума",
        "years_unit": "г.",
        "hours_unit": "ч",
        "days_unit": "дни",
        "entries": "Всички записи",
        "no_projects": "Няма проекти в този период.",
        "tax_note": "Всички суми са без данък.",
    },
}

_WORDS = {
    "en_US": {
        "title": "Value dossier",
        "purposes": {
            "new_manager": "For a new client manager",
            "departing": "For a departing client",
            "review": "For a review meeting",
            "internal": "For our own use",
        },
        "client": "Northern Light Retail",
        "company": "Fieldwork Research Agency",
        "street": "12 Station Road",
        "city": "Springfield 10115",
        "people": ("Alex Novak", "Maria Stone", "Chris Field", "Dana Rivers"),
        "positions": ("Research director", "Marketing manager", "Account manager"),
        "sections": {
            "concession": ("Concessions", "Costs and hours we did not charge"),
            "benefit": ("Benefits", "What you gained beyond the agreement"),
            "flexibility": ("Flexibility", "Changes we absorbed at the same price"),
            "special": ("Special arrangements", "Work outside our usual offer"),
        },
        "empty": "Nothing to report in this period.",
        "categories": {
            "concession": ("Free consultation", "Discount"),
            "benefit": ("Support after the project", "Savings"),
            "flexibility": ("Deadline moved", "Change of the brief"),
            "special": ("Unusual method", "Urgent request"),
        },
        "what": {
            "concession": ("Second round of interviews", "Travel to the pilot city"),
            "benefit": ("Results presented to the board", "Recruiting costs saved"),
            "flexibility": ("Start moved by two weeks", "Two segments added"),
            "special": ("Audio screening of 140 people", "Two experts by tomorrow"),
        },
        "description": (
            "Agreed on the telephone and confirmed by mail.\n"
            "The invoice was not changed.",
            "",
            "The change reached us after the field work had started; the team worked "
            "on the weekend so that the presentation could take place as planned.",
        ),
        "projects": ("Brand tracking", "Store audit", "Concept test"),
        "figures": {
            "years": "Years together",
            "projects": "Projects",
            "revenue": "Turnover",
            "worth": "Worth to you",
            "hours": "Hours not charged",
            "days": "Days of deadline granted",
            "special": "Special arrangements",
        },
        "previous": "This dossier continues VD/2025/0003 of 11/01/2025.",
        "introduction": (
            "Over the years we have done more for you than the contracts say.",
            "The following pages list it, with dates and with its worth.",
        ),
        "closing": ("We look forward to the next project.",),
        "file": "minutes",
        "long_word": "Pneumonoultramicroscopicsilicovolcanoconiosis" * 2,
    },
    "ru_RU": {
        "title": "Досье ценности",
        "purposes": {
            "new_manager": "Для нового менеджера клиента",
            "departing": "Для уходящего клиента",
            "review": "Для встречи по итогам",
            "internal": "Для внутреннего пользования",
        },
        "client": "Северное сияние, розничная сеть",
        "company": "Агентство полевых исследований",
        "street": "Вокзальная улица, 12",
        "city": "Светлогорск 101150",
        "people": ("Алексей Новак", "Мария Каменева", "Кирилл Полев", "Дана Речная"),
        "positions": (
            "Директор по исследованиям",
            "Менеджер по маркетингу",
            "Менеджер по работе с клиентами",
        ),
        "sections": {
            "concession": ("Уступки", "Расходы и часы, за которые мы не взяли платы"),
            "benefit": ("Выгоды", "Что вы получили сверх договора"),
            "flexibility": ("Гибкость", "Изменения, принятые без повышения цены"),
            "special": ("Особые условия", "Работа вне обычного предложения"),
        },
        "empty": "За этот период записей нет.",
        "categories": {
            "concession": ("Бесплатная консультация", "Скидка"),
            "benefit": ("Поддержка после проекта", "Экономия"),
            "flexibility": ("Перенос сроков", "Изменение задания"),
            "special": ("Необычный метод", "Срочный запрос"),
        },
        "what": {
            "concession": ("Второй круг интервью", "Поездка в пилотный город"),
            "benefit": ("Презентация для правления", "Экономия на рекрутинге"),
            "flexibility": ("Старт сдвинут на две недели", "Добавлены два сегмента"),
            "special": ("Аудиоскрининг 140 респондентов", "Два эксперта к завтра"),
        },
        "description": (
            "Согласовано по телефону и подтверждено письмом.\nСчёт не изменился.",
            "",
            "Изменение пришло, когда поле уже началось; группа работала в выходные, "
            "чтобы презентация состоялась в срок.",
        ),
        "projects": ("Трекинг бренда", "Аудит магазинов", "Тест концепций"),
        "figures": {
            "years": "Лет вместе",
            "projects": "Проектов",
            "revenue": "Оборот",
            "worth": "Стоимость для вас",
            "hours": "Неоплаченные часы",
            "days": "Дней отсрочки",
            "special": "Особые условия",
        },
        "previous": "Это досье продолжает VD/2025/0003 от 01.11.2025.",
        "introduction": (
            "За эти годы мы сделали для вас больше, чем записано в договорах.",
            "На следующих страницах это перечислено с датами и стоимостью.",
        ),
        "closing": ("Будем рады следующему проекту.",),
        "file": "протокол",
        "long_word": "Превысокомногорассмотрительствующий" * 3,
    },
    "bg_BG": {
        "title": "Досие на стойността",
        "purposes": {
            "new_manager": "За нов мениджър на клиента",
            "departing": "За напускащ клиент",
            "review": "За среща с равносметка",
            "internal": "За вътрешна употреба",
        },
        "client": "Северно сияние, търговска верига",
        "company": "Агенция за теренни проучвания",
        "street": "ул. „Гаров площад“ 12",
        "city": "Светлоград 1011",
        "people": ("Алекс Новак", "Мария Каменова", "Кирил Полев", "Дана Речна"),
        "positions": (
            "Директор „Проучвания“",
            "Мениджър „Маркетинг“",
            "Мениджър „Клиенти“",
        ),
        "sections": {
            "concession": ("Отстъпки", "Разходи и часове, които не сме начислили"),
            "benefit": ("Ползи", "Какво получихте извън договора"),
            "flexibility": ("Гъвкавост", "Промени, поети на същата цена"),
            "special": ("Специални условия", "Работа извън обичайната ни оферта"),
        },
        "empty": "Няма записи за този период.",
        "categories": {
            "concession": ("Безплатна консултация", "Отстъпка от цената"),
            "benefit": ("Поддръжка след проекта", "Спестявания"),
            "flexibility": ("Преместен срок", "Промяна на заданието"),
            "special": ("Необичаен метод", "Спешна заявка"),
        },
        "what": {
            "concession": ("Втори кръг интервюта", "Пътуване до пилотния град"),
            "benefit": ("Представяне пред борда", "Спестени разходи за набиране"),
            "flexibility": ("Началото отложено с две седмици", "Добавени два сегмента"),
            "special": ("Аудио скрининг на 140 души", "Двама експерти до утре"),
        },
        "description": (
            "Уговорено по телефона и потвърдено с писмо.\nФактурата не е променена.",
            "",
            "Промяната дойде, след като теренът беше започнал; екипът работи през "
            "почивните дни, за да се състои представянето навреме.",
        ),
        "projects": ("Тракинг на марката", "Одит на магазини", "Тест на концепции"),
        "figures": {
            "years": "Години заедно",
            "projects": "Проекти",
            "revenue": "Оборот",
            "worth": "Стойност за вас",
            "hours": "Неначислени часове",
            "days": "Дни отсрочка",
            "special": "Специални условия",
        },
        "previous": "Това досие продължава VD/2025/0003 от 01.11.2025.",
        "introduction": (
            "През годините направихме за вас повече, отколкото пише в договорите.",
            "Следващите страници го изброяват с дати и със стойността му.",
        ),
        "closing": ("Радваме се на следващия проект.",),
        "file": "протокол",
        "long_word": "Непротивоконституционствувателствувайте" * 2,
    },
}

_LOCALES = {
    "en_US": {
        "date_format": "%m/%d/%Y",
        "decimal_point": ".",
        "thousands_sep": ",",
        "grouping": [3, 0],
        "direction": "ltr",
    },
    "ru_RU": {
        "date_format": "%d.%m.%Y",
        "decimal_point": ",",
        "thousands_sep": "\u00a0",
        "grouping": [3, 0],
        "direction": "ltr",
    },
    "bg_BG": {
        "date_format": "%d.%m.%Y",
        "decimal_point": ",",
        "thousands_sep": "",
        "grouping": [3, 0],
        "direction": "ltr",
    },
}

# Texts that a careless workbook or page would run, link or mark up.
TRICKY_TEXTS = (
    "=1+1",
    "+49 30 123456",
    "-x",
    "@SUM(A1:A9)",
    '=HYPERLINK("http://example.com";"x")',
    "http://example.com/page?a=1&b=2",
    "mailto:info@example.com",
    "internal:'Sheet1'!A1",
    "<b>not bold</b> & <script>alert(1)</script>",
    "{=SUM(1)}",
    "_x0041_ is no letter A",
    "12345",
)


def make_snapshot(
    lines_per_section=5,
    lang="en_US",
    show_amounts=True,
    *,
    sections=SECTIONS,
    years=3,
    purpose="review",
    number="VD/2026/0007",
    projects=3,
    tricky=False,
    original=True,
    empty_sections="line",
):
    """Return a snapshot of an invented client.

    :param lines_per_section: a number, or a dict section code -> number
    :param lang: "en_US", "ru_RU" or "bg_BG": the language of all words
    :param show_amounts: False leaves every amount of money out
    :param sections: codes of the chosen sections, in order
    :param years: the entries are spread over so many years up to 2026
    :param number: "" makes a draft
    :param projects: how many projects; None hides the list of projects
    :param tricky: put TRICKY_TEXTS and very long words among the texts
    :param original: some entries were in another currency
    :param empty_sections: "line" or "omit", as in the dossier's options
    """
    words = _WORDS[lang]
    counts = (
        lines_per_section
        if isinstance(lines_per_section, dict)
        else dict.fromkeys(sections, lines_per_section)
    )
    all_sections = []
    for position, code in enumerate(sections):
        label, hint = words["sections"][code]
        lines = [
            _make_line(index, position, code, words, years, show_amounts, original)
            for index in range(counts.get(code, 0))
        ]
        if tricky:
            _plant_tricky_texts(lines, words)
        lines.sort(key=lambda line: line["date"])
        all_sections.append(
            {
                "code": code,
                "label": label,
                "hint": hint,
                "empty_text": words["empty"],
                "lines": lines,
                "subtotal": _sum_up(lines, show_amounts),
            }
        )
    total = _sum_up(
        [line for section in all_sections for line in section["lines"]], show_amounts
    )
    project_lines = [
        _make_project(index, words, show_amounts) for index in range(projects or 0)
    ]
    revenue = sum(line["price"] or 0.0 for line in project_lines)
    first_day = datetime.date(LAST_DAY.year - years + 1, 1, 1).isoformat()
    return {
        "schema": 1,
        "lang": lang,
        "locale": dict(_LOCALES[lang]),
        "number": number,
        "date": LAST_DAY.isoformat(),
        "title": words["title"],
        "purpose": purpose,
        "purpose_label": words["purposes"][purpose],
        "company": {
            "name": words["company"],
            "address": [words["street"], words["city"]],
            "phone": "+1 555 0100",
            "email": "office@example.com",
            "website": "https://example.com",
            "vat": "BE0477472701",
            "logo": "",
            "colour": "#875a7b",
        },
        "client": {
            "name": words["client"],
            "address": [words["street"], words["city"]],
            "vat": "",
        },
        "recipient": {
            "name": words["people"][0],
            "position": words["positions"][0],
        },
        "prepared_by": {
            "name": words["people"][2],
            "position": words["positions"][2],
            "email": "manager@example.com",
            "phone": "+1 555 0101",
        },
        "period": {
            "from": first_day,
            "to": LAST_DAY.isoformat(),
            "label": f"{_text_date(first_day, lang)} – "
            f"{_text_date(LAST_DAY.isoformat(), lang)}",
        },
        "previous": {
            "number": "VD/2025/0003",
            "date": "2025-11-01",
            "text": words["previous"],
        },
        "options": {"show_amounts": show_amounts, "empty_sections": empty_sections},
        "currency": {"code": "EUR", "symbol": "€", "position": "after", "decimals": 2},
        "introduction": list(words["introduction"]),
        "closing": list(words["closing"]),
        "figures": _make_figures(words, years, projects, revenue, total, all_sections),
        "statistics": _make_statistics(all_sections, show_amounts),
        "projects": {
            "shown": projects is not None,
            "lines": project_lines,
            "total": round(revenue, 2) if show_amounts else None,
        },
        "contacts": _make_contacts(words, years),
        "sections": [
            section
            for section in all_sections
            if section["lines"] or empty_sections == "line"
        ],
        "total": total,
        "evidence": [
            {
                "file": f"{words['file']}-{index + 1}.pdf",
                "date": line["date"],
                "what": line["what"],
            }
            for index, line in enumerate(
                line for section in all_sections for line in section["lines"][:1]
            )
        ],
        "labels": dict(_LABELS[lang]),
    }


def _make_line(index, position, code, words, years, show_amounts, original):
    """One entry; its numbers follow from ``index`` and the section's position."""
    step = index * 7 + position
    year = LAST_DAY.year - step % years
    day = datetime.date(year, 1 + step % 10, 1 + step * 3 % 28)
    amount = 0.0
    if step % 4 != 3:
        amount = round(120.0 + step * 37.55 % 900, 2)
    hours = 0.0
    if code in ("concession", "special"):
        hours = 0.25 * (step % 19)
    foreign = original and show_amounts and step % 5 == 1 and amount
    return {
        "date": day.isoformat(),
        "what": words["what"][code][index % 2],
        "description": words["description"][step % 3],
        "category": words["categories"][code][index % 2],
        "project": words["projects"][step % 3] if step % 2 else "",
        "contact": words["people"][step % 2] if step % 3 else "",
        "hours": hours,
        "days": float(step % 15) if code == "flexibility" else 0.0,
        "amount": amount if show_amounts else None,
        "original": (
            {"amount": round(amount * 1.25, 2), "code": "USD"} if foreign else {}
        ),
    }


def _plant_tricky_texts(lines, words):
    """Put a dangerous or very long text into each line's texts, in turn."""
    for index, line in enumerate(lines):
        line["what"] = TRICKY_TEXTS[index % len(TRICKY_TEXTS)]
        line["project"] = TRICKY_TEXTS[(index + 1) % len(TRICKY_TEXTS)]
        if index % 4 == 0:
            line["description"] = words["long_word"]
        elif index % 4 == 1:
            line["description"] = "=first line\n+second line\n\n@last line"


def _sum_up(lines, show_amounts):
    """Sums of some lines: the shape of a section's subtotal and of the total."""
    return {
        "count": len(lines),
        "amount": (
            round(sum(line["amount"] for line in lines), 2) if show_amounts else None
        ),
        "hours": sum(line["hours"] for line in lines),
        "days": sum(line["days"] for line in lines),
    }


def _make_project(index, words, show_amounts):
    start = datetime.date(LAST_DAY.year - index % 5, 1 + index % 6, 5)
    return {
        "name": f"{words['projects'][index % 3]} {start.year}",
        "contact": words["people"][index % 2],
        "manager": words["people"][2 + index % 2],
        "from": start.isoformat(),
        "to": "" if index % 4 == 0 else (start.replace(month=11)).isoformat(),
        "price": 8000.0 + index * 1250.5 if show_amounts else None,
    }


def _make_contacts(words, years):
    """The client's managers: the first left when the second came."""
    change = datetime.date(LAST_DAY.year - years // 2, 6, 1)
    return [
        {
            "name": words["people"][1],
            "position": words["positions"][1],
            "from": datetime.date(LAST_DAY.year - years + 1, 2, 1).isoformat(),
            "to": change.isoformat(),
            "projects": 2,
            "current": False,
        },
        {
            "name": words["people"][0],
            "position": words["positions"][0],
            "from": change.isoformat(),
            "to": LAST_DAY.isoformat(),
            "projects": 1,
            "current": True,
        },
    ]


def _make_figures(words, years, projects, revenue, total, sections):
    special = sum(len(s["lines"]) for s in sections if s["code"] == "special")
    figures = [("years", "years", years - 0.1), ("projects", "count", projects or 0)]
    if total["amount"] is not None:
        figures.append(("revenue", "amount", round(revenue, 2)))
        figures.append(("worth", "amount", total["amount"]))
    figures.append(("hours", "hours", total["hours"]))
    figures.append(("days", "days", total["days"]))
    figures.append(("special", "count", special))
    return [
        {"code": code, "label": words["figures"][code], "kind": kind, "value": value}
        for code, kind, value in figures
    ]


def _make_statistics(sections, show_amounts):
    years = {}
    for section in sections:
        for line in section["lines"]:
            year = years.setdefault(
                int(line["date"][:4]),
                {"lines": [], "by": {s["code"]: 0.0 for s in sections}},
            )
            year["lines"].append(line)
            year["by"][section["code"]] += line["amount"] if show_amounts else 1
    return {
        "measure": "amount" if show_amounts else "count",
        "sections": [
            {"code": s["code"], "label": s["label"], **s["subtotal"]} for s in sections
        ],
        "years": [
            {
                "year": number,
                "count": len(year["lines"]),
                "amount": _sum_up(year["lines"], show_amounts)["amount"],
                "by_section": {c: round(v, 2) for c, v in year["by"].items()},
            }
            for number, year in sorted(years.items())
        ],
    }


def _text_date(iso, lang):
    year, month, day = iso.split("-")
    if lang == "en_US":
        return f"{month}/{day}/{year}"
    return f"{day}.{month}.{year}"
