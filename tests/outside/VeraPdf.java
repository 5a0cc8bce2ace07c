import java.io.FileInputStream;
import java.io.InputStream;
import java.util.TreeSet;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/**
 * Asks veraPDF whether a file conforms: {@code java VeraPdf FLAVOUR FILE}, where the flavour is veraPDF's
 * own id, such as {@code 3a} or {@code ua1}. Prints each rule that failed once. Exit code 0 means that
 * the file conforms, 1 that it does not.
 */
public final class VeraPdf {
    private VeraPdf() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            throw new IllegalArgumentException("usage: VeraPdf FLAVOUR FILE");
        }
        PDFAFlavour flavour = PDFAFlavour.byFlavourId(arguments[0]);
        if (flavour == PDFAFlavour.NO_FLAVOUR) {
            throw new IllegalArgumentException("veraPDF knows no flavour " + arguments[0]);
        }
        VeraGreenfieldFoundryProvider.initialise();
        ValidationResult result;
        try (InputStream file = new FileInputStream(arguments[1]);
                PDFAParser parser = Foundries.defaultInstance().createParser(file, flavour);
                PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false)) {
            result = validator.validate(parser);
        }
        TreeSet<String> failures = new TreeSet<>();
        for (TestAssertion assertion : result.getTestAssertions()) {
            if (assertion.getStatus() == TestAssertion.Status.FAILED) {
                failures.add(assertion.getRuleId().getClause() + "-" + assertion.getRuleId().getTestNumber()
                        + " " + assertion.getMessage());
            }
        }
        failures.forEach(System.out::println);
        // A run that looked at nothing must not count as conformance.
        System.exit(result.isCompliant() && result.getTotalAssertions() > 0 ? 0 : 1);
    }
}
