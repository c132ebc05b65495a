"""CSV files: readable by spreadsheets, harmless in them."""

from oneapi_app.console.exports import write_csv


def test_texts_that_look_like_formulas_stay_texts():
    written = write_csv(["name", "quota"], [["=1+1", -5], ["a,b", 1.5]])
    assert written == '\ufeffname,quota\r\n\'=1+1,-5\r\n"a,b",1.5\r\n'
